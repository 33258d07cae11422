//! SQLite's errors by kind, from their codes. Its messages name the columns of a broken unique key and the name of a
//! check, and nothing of a foreign key.
//!
//! Invariant: no message and no position shows a value.

use std::{ffi::c_int, sync::Arc};

use rusqlite::{Error as DriverError, ErrorCode, ffi};

use crate::{
    backend::message::{blank_quoted, read_only, redact},
    error::{Conflict, Constraint, ConstraintKind, DatabaseError, Error, ErrorKind},
    value::Datum,
};

/// How messages begin that quote a part of a value whose text could not be parsed.
const QUOTING: [&str; 4] = [
    "fts5: ",
    "JSON path error",
    "bad JSON path",
    "unknown special query",
];

const NO_COLUMN: &str = "no such column: ";

/// The error of a statement, with its text and the position in it.
pub(super) fn of_statement(error: &DriverError, sql: &Arc<str>, values: &[Datum]) -> Error {
    in_text(error, sql, values).with_statement(sql)
}

/// The error for what the driver reports without a statement of a program.
pub(super) fn classify(error: &DriverError) -> Error {
    in_text(error, "", &[])
}

fn in_text(error: &DriverError, text: &str, values: &[Datum]) -> Error {
    let (code, message) = match error {
        DriverError::SqliteFailure(code, message) => (*code, message.as_deref()),
        DriverError::SqlInputError { error, msg, .. } => (*error, Some(msg.as_str())),
        DriverError::InvalidParameterCount(given, expected) => {
            return Error::new(
                ErrorKind::Query,
                format!(
                    "run a statement: its number of parameters is {expected}, that of values {given}; write each \
                     parameter as `:name` and bind it, in a text that is not sent with `raw`"
                ),
            );
        }
        DriverError::MultipleStatement => {
            let message = "run a statement: the text has several; run them with `batch`";
            return Error::new(ErrorKind::Query, message);
        }
        DriverError::ToSqlConversionFailure(error) => {
            return Error::new(ErrorKind::Decode, format!("bind a parameter: {error}"));
        }
        other => return Error::new(ErrorKind::Query, redact(&other.to_string(), values)),
    };
    let message = message.map_or_else(|| code.to_string(), ToOwned::to_owned);
    let kind = kind(code, &message);
    let words = redact_message(&message, values);
    let said = match &kind {
        ErrorKind::Constraint(constraint) => constraint.describe(),
        ErrorKind::Conflict(_) => {
            "another process, or a connection of this one that estoult does not know, holds the lock on the SQLite \
             database; try again when its transaction has ended"
                .to_owned()
        }
        ErrorKind::ReadOnly => read_only(&words),
        _ => words.clone(),
    };
    let answer = DatabaseError {
        code: code.extended_code.to_string(),
        message: words,
        position: match error {
            DriverError::SqlInputError { sql, offset, .. } => position(text, sql, *offset),
            _ => None,
        },
        ..DatabaseError::default()
    };
    Error::answered(kind, said, answer)
}

/// The character in the text for a byte in the part of it that SQLite was reading: without spaces around it, or the
/// rest of a script.
fn position(text: &str, read: &str, offset: c_int) -> Option<usize> {
    let start = text.rfind(read)?;
    let before = text.get(..start + usize::try_from(offset).ok()?)?;
    Some(before.chars().count() + 1)
}

fn contains(value: &Datum, part: &str) -> bool {
    matches!(value, Datum::Text(text) if part.len() >= 3 && text.contains(part))
}

/// The message without values: neither those that were bound nor parts of them.
fn redact_message(message: &str, values: &[Datum]) -> String {
    let message = redact(message, values);
    if QUOTING.iter().any(|start| message.starts_with(start)) {
        return blank_quoted(&message);
    }
    // A full-text query such as `word:other` asks for the column `word`.
    match message.strip_prefix(NO_COLUMN) {
        Some(name) if values.iter().any(|value| contains(value, name)) => format!("{NO_COLUMN}…"),
        _ => message,
    }
}

fn kind(code: ffi::Error, message: &str) -> ErrorKind {
    match code.code {
        ErrorCode::ConstraintViolation => match constraint(code.extended_code, message) {
            Some(constraint) => ErrorKind::Constraint(constraint),
            None => ErrorKind::Query,
        },
        ErrorCode::ReadOnly => ErrorKind::ReadOnly,
        // Busy: another connection has the lock; locked: another statement of this one has ("Result and Error Codes").
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => ErrorKind::Conflict(Conflict::Busy),
        ErrorCode::CannotOpen | ErrorCode::NotADatabase | ErrorCode::DiskFull => {
            ErrorKind::Connection
        }
        ErrorCode::OperationInterrupted => ErrorKind::Timeout,
        _ => ErrorKind::Query,
    }
}

fn constraint(extended: i32, message: &str) -> Option<Constraint> {
    let kind = match extended {
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID => ConstraintKind::Unique,
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => ConstraintKind::ForeignKey,
        ffi::SQLITE_CONSTRAINT_NOTNULL => ConstraintKind::NotNull,
        ffi::SQLITE_CONSTRAINT_CHECK => ConstraintKind::Check,
        _ => return None,
    };
    let detail = message
        .split_once("failed: ")
        .map(|(_, detail)| detail)
        .unwrap_or_default();
    let mut constraint = Constraint {
        kind,
        name: None,
        table: None,
        columns: Vec::new(),
    };
    if kind == ConstraintKind::Check {
        constraint.name = Some(detail.to_owned()).filter(|name| !name.is_empty());
    } else if let Some(name) = detail.strip_prefix("index '") {
        constraint.name = Some(name.trim_end_matches('\'').to_owned());
    } else {
        for column in detail.split(", ").filter(|column| !column.is_empty()) {
            let (table, column) = column.split_once('.').unwrap_or(("", column));
            constraint.table = Some(table.to_owned()).filter(|table| !table.is_empty());
            constraint.columns.push(column.to_owned());
        }
    }
    Some(constraint)
}
