//! Results as text: a table, a line per column, CSV, JSON.

use std::fmt::{self, Write};

use comfy_table::{CellAlignment, Table, presets::ASCII_FULL_CONDENSED};
use estoult::{
    row::{Cell, Rows},
    value::Datum,
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// A table
    Table,
    /// Each column on a line of its own
    Expanded,
    /// Values with commas between them, names first
    Csv,
    /// A list of objects, one list a statement and line
    Json,
}

impl Format {
    /// Whether titles and notes may stand between results.
    pub(super) fn is_for_people(self) -> bool {
        matches!(self, Self::Table | Self::Expanded)
    }
}

/// What a statement or a command gave.
#[derive(Debug, Clone, Copy)]
pub(super) struct Results<'r> {
    columns: &'r [String],
    rows: &'r [Vec<Cell>],
    rows_affected: u64,
}

impl<'r> Results<'r> {
    /// Rows that no statement gave.
    pub(super) fn of_rows(columns: &'r [String], rows: &'r [Vec<Cell>]) -> Self {
        Self {
            columns,
            rows,
            rows_affected: 0,
        }
    }
}

impl<'r> From<&'r Rows> for Results<'r> {
    fn from(rows: &'r Rows) -> Self {
        Self {
            columns: rows.columns(),
            rows: rows.rows(),
            rows_affected: rows.rows_affected(),
        }
    }
}

/// The results as text, which ends with a line break; empty where a format can't say that a statement gave no rows.
pub(super) fn render(results: Results<'_>, format: Format) -> Result<String, String> {
    let has_columns = !results.columns.is_empty();
    match format {
        Format::Table | Format::Expanded if !has_columns => Ok(format!("{}\n", done(results))),
        Format::Csv | Format::Json if !has_columns => Ok(String::new()),
        Format::Table => Ok(table(results)),
        Format::Expanded => Ok(expanded(results)),
        Format::Csv => csv(results),
        Format::Json => json(results),
    }
}

/// The line for a statement that gives no rows.
fn done(results: Results<'_>) -> String {
    match results.rows_affected {
        0 => "done".to_owned(),
        rows => format!("done, {} affected", count(rows)),
    }
}

fn count(rows: impl fmt::Display) -> String {
    match rows.to_string().as_str() {
        "1" => "1 row".to_owned(),
        rows => format!("{rows} rows"),
    }
}

fn table(results: Results<'_>) -> String {
    let mut table = Table::new();
    // ASCII alone, since a terminal may be set to another encoding.
    table.load_preset(ASCII_FULL_CONDENSED);
    table.set_header(results.columns.iter().map(|name| visible(name)));
    for row in results.rows {
        table.add_row(row.iter().map(shown));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        let mut cells = results.rows.iter().filter_map(|row| row.get(index));
        let is_number = |cell: &Cell| cell.is_null() || is_number(cell);
        // A column of NULLs alone is as likely one of texts.
        if cells.clone().any(|cell| !cell.is_null()) && cells.all(is_number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{table}\n({})\n", count(results.rows.len()))
}

fn expanded(results: Results<'_>) -> String {
    let names: Vec<_> = results.columns.iter().map(|name| visible(name)).collect();
    let widths = names.iter().map(|name| name.chars().count());
    let width = widths.fold(0, usize::max);
    let mut text = String::new();
    for (number, row) in results.rows.iter().enumerate() {
        // Writing to a string does not fail.
        let _ = writeln!(text, "-- row {} --", number + 1);
        for (name, cell) in names.iter().zip(row) {
            let value = shown(cell).replace('\n', &format!("\n{:width$} | ", ""));
            let _ = writeln!(text, "{name:width$} | {value}");
        }
    }
    let _ = writeln!(text, "({})", count(results.rows.len()));
    text
}

fn csv(results: Results<'_>) -> Result<String, String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |error: &dyn fmt::Display| format!("write CSV: {error}");
    let header = writer.write_record(results.columns);
    header.map_err(|error| failed(&error))?;
    for row in results.rows {
        let cells = row.iter().map(|cell| match cell {
            Cell::Null => String::new(),
            cell => cell.to_string(),
        });
        let written = writer.write_record(cells);
        written.map_err(|error| failed(&error))?;
    }
    // In memory first: a failure half-way must not leave half of a result in the output.
    let bytes = writer.into_inner().map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}

fn json(results: Results<'_>) -> Result<String, String> {
    let names = distinct(results.columns);
    let rows: Vec<_> = results
        .rows
        .iter()
        .map(|cells| Row {
            names: &names,
            cells,
        })
        .collect();
    let text = serde_json::to_string(&rows).map_err(|error| format!("write JSON: {error}"))?;
    Ok(text + "\n")
}

/// The names of columns; a name that occurs again gets a number, since an object has each key once.
fn distinct(columns: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(columns.len());
    for column in columns {
        let mut name = column.clone();
        let mut number = 2;
        while names.contains(&name) {
            name = format!("{column}_{number}");
            number += 1;
        }
        names.push(name);
    }
    names
}

/// A row as an object, in the order of the columns.
struct Row<'r> {
    names: &'r [String],
    cells: &'r [Cell],
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.names.len()))?;
        for (name, cell) in self.names.iter().zip(self.cells) {
            map.serialize_entry(name, &Value(cell))?;
        }
        map.end()
    }
}

/// A cell in the form that JSON has for it, else as text.
struct Value<'c>(&'c Cell);

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_datum() {
            None if self.0.is_null() => serializer.serialize_none(),
            Some(Datum::Bool(value)) => serializer.serialize_bool(*value),
            Some(Datum::Int(value)) => serializer.serialize_i64(*value),
            Some(Datum::UInt(value)) => serializer.serialize_u64(*value),
            Some(Datum::Float(value)) if value.is_finite() => serializer.serialize_f64(*value),
            // As a number with all of its digits, which a float would round.
            Some(Datum::Decimal(value)) => raw(&value.to_string(), serializer),
            // One list takes one line. Inside of strings JSON escapes line breaks, so these are mere white space.
            Some(Datum::Json(text)) => raw(&text.replace(['\n', '\r'], " "), serializer),
            _ => serializer.collect_str(self.0),
        }
    }
}

/// Text that is JSON already, or a JSON string where it is not: SQLite stores any text in a JSON column.
fn raw<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    match serde_json::from_str::<&RawValue>(text) {
        Ok(document) => document.serialize(serializer),
        Err(_) => serializer.serialize_str(text),
    }
}

fn is_number(cell: &Cell) -> bool {
    matches!(
        cell.as_datum(),
        Some(Datum::Int(_) | Datum::UInt(_) | Datum::Float(_) | Datum::Decimal(_))
    )
}

/// A cell as people read it; the text `NULL` gets quotes, so that it is not mistaken for NULL.
fn shown(cell: &Cell) -> String {
    match cell.as_datum() {
        Some(Datum::Text(text)) if text == "NULL" => "'NULL'".to_owned(),
        _ => visible(&cell.to_string()),
    }
}

/// Text without control characters, which could move the cursor, recolour or rename the terminal.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => shown.push('\n'),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            control if control.is_control() => {
                let _ = write!(shown, "\\x{:02x}", u32::from(control));
            }
            other => shown.push(other),
        }
    }
    shown
}
