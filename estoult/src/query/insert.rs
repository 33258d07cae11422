//! The text of inserts: of one row, and of many at once.

use std::sync::Arc;

use crate::{
    backend::{BulkStyle, Features, Statement},
    error::{Error, Result},
    query::{Site, refusal::check_values, render::quoted},
    schema::Table,
    value::{Datum, Kind},
};

/// How many rows one statement inserts at most: few sizes make few texts.
const ROWS_AT_MOST: usize = 1000;

/// The insert of one row; its values are bound in the order of the columns.
pub(crate) fn insert(table: &'static Table, columns: &[&str], site: &Site<'_>) -> Result<Arc<str>> {
    let (features, target) = (site.features, site.table(table));
    let mut text = if columns.is_empty() {
        let nothing = if features.nulls_order {
            "DEFAULT VALUES"
        } else {
            "() VALUES ()"
        };
        format!("INSERT INTO {target} {nothing}")
    } else {
        let marks: Vec<_> = columns
            .iter()
            .enumerate()
            .map(|(index, column)| mark(table, column, index + 1, features))
            .collect();
        format!(
            "INSERT INTO {target} ({}) VALUES ({})",
            names(columns, features),
            marks.join(", ")
        )
    };
    if features.insert_returning {
        text.push_str(&format!(
            " RETURNING {}",
            names(table.column_names(), features)
        ));
    }
    Ok(Arc::from(text))
}

/// One placeholder, with the cast that a native enum needs.
fn mark(table: &Table, column: &str, number: usize, features: &Features) -> String {
    let mark = features.mark(number);
    match table.find(column).map(|column| column.kind) {
        Some(Kind::Enum(kind)) if features.native_enum => {
            format!("CAST({mark} AS {})", quoted(kind.name, features))
        }
        _ => mark,
    }
}

fn names(columns: &[&str], features: &Features) -> String {
    let names: Vec<_> = columns
        .iter()
        .map(|column| quoted(column, features))
        .collect();
    names.join(", ")
}

/// How many rows of so many columns go into one statement.
pub(crate) fn bulk_size(columns: usize, features: &Features) -> usize {
    match features.bulk {
        // One parameter a column, whatever the number of rows; the bound keeps one message small.
        BulkStyle::Unnest => ROWS_AT_MOST * 10,
        BulkStyle::Rows => (features.max_parameters / columns.max(1)).clamp(1, ROWS_AT_MOST),
    }
}

/// The insert of several rows with the same columns.
pub(crate) fn insert_rows(
    table: &'static Table,
    columns: &[&str],
    rows: Vec<Vec<Datum>>,
    site: &Site<'_>,
) -> Result<Statement> {
    let features = site.features;
    for row in &rows {
        check_values(table, columns, row, features)?;
    }
    if columns.is_empty() {
        return Err(Error::unsupported(format!(
            "insert several rows into `{}`: they have no column to give; insert them one by one",
            table.name()
        )));
    }
    let head = format!(
        "INSERT INTO {} ({})",
        site.table(table),
        names(columns, features)
    );
    let (text, values) = match features.bulk {
        BulkStyle::Unnest => unnest(table, columns, rows, &head, features),
        BulkStyle::Rows => marks(columns, rows, &head),
    };
    Ok(site.statement(table, text, values))
}

fn unnest(
    table: &Table,
    columns: &[&str],
    rows: Vec<Vec<Datum>>,
    head: &str,
    features: &Features,
) -> (String, Vec<Datum>) {
    let kinds: Vec<_> = columns
        .iter()
        .map(|column| table.find(column).map_or(Kind::Text, |column| column.kind))
        .collect();
    let mut lists: Vec<Vec<Datum>> = columns
        .iter()
        .map(|_| Vec::with_capacity(rows.len()))
        .collect();
    for row in rows {
        for (list, datum) in lists.iter_mut().zip(row) {
            list.push(datum);
        }
    }
    let selected: Vec<_> = kinds
        .iter()
        .enumerate()
        .map(|(index, kind)| match kind {
            Kind::Enum(kind) => format!("CAST(c{index} AS {})", quoted(kind.name, features)),
            _ => format!("c{index}"),
        })
        .collect();
    let marks: Vec<_> = (1..=columns.len())
        .map(|number| format!("${number}"))
        .collect();
    let aliases: Vec<_> = (0..columns.len())
        .map(|index| format!("c{index}"))
        .collect();
    let text = format!(
        "{head} SELECT {} FROM unnest({}) AS t({})",
        selected.join(", "),
        marks.join(", "),
        aliases.join(", ")
    );
    let values = kinds
        .into_iter()
        .zip(lists)
        .map(|(kind, list)| Datum::List(kind, list))
        .collect();
    (text, values)
}

fn marks(columns: &[&str], rows: Vec<Vec<Datum>>, head: &str) -> (String, Vec<Datum>) {
    let row = format!("({})", vec!["?"; columns.len()].join(", "));
    let mut text = String::with_capacity(head.len() + 8 + rows.len() * (row.len() + 2));
    text.push_str(head);
    text.push_str(" VALUES ");
    for index in 0..rows.len() {
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(&row);
    }
    (text, rows.into_iter().flatten().collect())
}
