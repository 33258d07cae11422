//! Values as SQLite stores them, and lists as the JSON that `json_each` reads.

use std::fmt;

use rusqlite::{
    ToSql,
    types::{ToSqlOutput, ValueRef},
};

use crate::value::{Datum, Mismatch, temporal};

pub(super) fn bind(
    prepared: &mut rusqlite::CachedStatement<'_>,
    values: &[Datum],
) -> rusqlite::Result<()> {
    let expected = prepared.parameter_count();
    if expected != values.len() {
        return Err(rusqlite::Error::InvalidParameterCount(
            values.len(),
            expected,
        ));
    }
    for (index, value) in values.iter().enumerate() {
        prepared.raw_bind_parameter(index + 1, SqliteValue(value))?;
    }
    Ok(())
}

/// A datum as SQLite stores it.
struct SqliteValue<'d>(&'d Datum);

impl ToSql for SqliteValue<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let owned = |value: String| ToSqlOutput::Owned(value.into());
        Ok(match self.0 {
            Datum::Null(_) => ToSqlOutput::Borrowed(ValueRef::Null),
            Datum::Bool(value) => ToSqlOutput::Borrowed(ValueRef::Integer((*value).into())),
            Datum::Int(value) => ToSqlOutput::Borrowed(ValueRef::Integer(*value)),
            Datum::UInt(_) => {
                let mismatch = Mismatch::new("an integer above the range of SQLite");
                return Err(rusqlite::Error::ToSqlConversionFailure(Box::new(mismatch)));
            }
            Datum::Float(value) => ToSqlOutput::Borrowed(ValueRef::Real(*value)),
            Datum::Text(value) | Datum::Json(value) => {
                ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes()))
            }
            Datum::Enum(_, label) => ToSqlOutput::Borrowed(ValueRef::Text(label.as_bytes())),
            Datum::Bytes(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value)),
            Datum::Uuid(value) => owned(uuid::Uuid::from_bytes(*value).to_string()),
            Datum::Decimal(value) => owned(value.to_string()),
            Datum::Date(days) => owned(temporal::date_text(*days)),
            Datum::Time(micros) => owned(temporal::time_text(*micros)),
            Datum::DateTime(micros) => owned(temporal::date_time_text(*micros)),
            Datum::Timestamp(micros) => owned(temporal::timestamp_text(*micros)),
            Datum::List(_, items) => owned(json_array(items)),
        })
    }
}

/// A list as the JSON array that `json_each` reads. JSON has no bytes, so they are written in upper case hex, as
/// SQLite's `hex()` writes those of the column.
fn json_array(items: &[Datum]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(items.len() * 8 + 2);
    text.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        // Writing to a `String` can't fail.
        let _ = match item {
            Datum::Bool(value) => write!(text, "{}", i64::from(*value)),
            Datum::Int(value) => write!(text, "{value}"),
            // With an exponent, so that `json_each` gives a float also for a whole number.
            Datum::Float(value) if value.is_finite() => write!(text, "{value:e}"),
            Datum::Bytes(bytes) => {
                let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
                write!(text, "\"{hex}\"")
            }
            other => match SqliteValue(other).to_sql() {
                Ok(ToSqlOutput::Owned(rusqlite::types::Value::Text(value))) => {
                    write_json_text(&mut text, &value)
                }
                Ok(ToSqlOutput::Borrowed(ValueRef::Text(value))) => {
                    write_json_text(&mut text, &String::from_utf8_lossy(value))
                }
                _ => write!(text, "null"),
            },
        };
    }
    text.push(']');
    text
}

fn write_json_text(text: &mut String, value: &str) -> fmt::Result {
    use std::fmt::Write;
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            control if u32::from(control) < 0x20 => write!(text, "\\u{:04x}", u32::from(control))?,
            other => text.push(other),
        }
    }
    text.push('"');
    Ok(())
}
