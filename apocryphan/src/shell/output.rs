//! Records as text: a table, a line a column, CSV, JSON.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets::ASCII_FULL_CONDENSED};
use estoult::{Cell, Datum, Records};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;

/// How records are written.
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

/// The records as text, with the line break at its end; nothing where a format has no room for it.
pub(super) fn render(records: &Records, format: Format) -> Result<String, String> {
    let has_rows = !records.columns().is_empty();
    match format {
        Format::Table | Format::Expanded if !has_rows => Ok(format!("{}\n", done(records))),
        Format::Csv | Format::Json if !has_rows => Ok(String::new()),
        Format::Table => Ok(table(records)),
        Format::Expanded => Ok(expanded(records)),
        Format::Csv => csv(records),
        Format::Json => json(records),
    }
}

/// What is said of a statement without rows.
fn done(records: &Records) -> String {
    match records.rows_affected() {
        0 => "done".to_owned(),
        rows => format!("done, {} affected", count(rows)),
    }
}

pub(super) fn count(rows: u64) -> String {
    match rows {
        1 => "1 row".to_owned(),
        rows => format!("{rows} rows"),
    }
}

fn table(records: &Records) -> String {
    let mut table = Table::new();
    table.load_preset(ASCII_FULL_CONDENSED);
    table.set_header(records.columns().iter().map(|name| visible(name)));
    for row in records.rows() {
        table.add_row(row.iter().map(shown));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        let mut cells = records.rows().iter().filter_map(|row| row.get(index));
        let is_number = |cell: &Cell| cell.is_null() || is_number(cell);
        if cells.clone().any(|cell| !cell.is_null()) && cells.all(is_number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let rows = u64::try_from(records.rows().len()).unwrap_or(u64::MAX);
    format!("{table}\n({})\n", count(rows))
}

fn expanded(records: &Records) -> String {
    let names: Vec<_> = records.columns().iter().map(|name| visible(name)).collect();
    let width = names.iter().map(|name| name.chars().count()).max();
    let width = width.unwrap_or(0);
    let mut text = String::new();
    for (number, row) in records.rows().iter().enumerate() {
        // Writing to a text does not fail.
        let _ = writeln!(text, "-- row {} --", number + 1);
        for (name, cell) in names.iter().zip(row) {
            let value = shown(cell).replace('\n', &format!("\n{:width$} | ", ""));
            let _ = writeln!(text, "{name:width$} | {value}");
        }
    }
    let rows = u64::try_from(records.rows().len()).unwrap_or(u64::MAX);
    let _ = writeln!(text, "({})", count(rows));
    text
}

fn csv(records: &Records) -> Result<String, String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |error: &dyn std::fmt::Display| format!("write CSV: {error}");
    let header = writer.write_record(records.columns());
    header.map_err(|error| failed(&error))?;
    for row in records.rows() {
        let cells = row.iter().map(|cell| match cell {
            Cell::Null => String::new(),
            cell => cell.to_string(),
        });
        let written = writer.write_record(cells);
        written.map_err(|error| failed(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}

fn json(records: &Records) -> Result<String, String> {
    let names = distinct(records.columns());
    let rows: Vec<_> = records
        .rows()
        .iter()
        .map(|cells| Row {
            names: &names,
            cells,
        })
        .collect();
    let text = serde_json::to_string(&rows).map_err(|error| format!("write JSON: {error}"))?;
    Ok(text + "\n")
}

/// The names of columns, with a number behind those that come again.
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

/// A cell as JSON has it; what it has no form for is text.
struct Value<'c>(&'c Cell);

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_datum() {
            None if self.0.is_null() => serializer.serialize_none(),
            Some(Datum::Bool(value)) => serializer.serialize_bool(*value),
            Some(Datum::Int(value)) => serializer.serialize_i64(*value),
            Some(Datum::UInt(value)) => serializer.serialize_u64(*value),
            Some(Datum::Float(value)) if value.is_finite() => serializer.serialize_f64(*value),
            // With all of its digits.
            Some(Datum::Decimal(value)) => raw(&value.to_string(), serializer),
            // A line break of a document stands between its parts, since one in a text is escaped.
            Some(Datum::Json(text)) => raw(&text.replace(['\n', '\r'], " "), serializer),
            _ => serializer.collect_str(self.0),
        }
    }
}

/// A text that is JSON already; as a text where it is not.
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

/// A cell as people read it: a text that reads NULL is not taken for one.
fn shown(cell: &Cell) -> String {
    match cell.as_datum() {
        Some(Datum::Text(text)) if text == "NULL" => "'NULL'".to_owned(),
        _ => visible(&cell.to_string()),
    }
}

/// Text without what a terminal would obey.
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
