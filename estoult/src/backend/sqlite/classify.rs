//! SQLite's errors by kind. SQLite names the columns of a broken unique key, the name of a check, and nothing of a
//! foreign key.

use rusqlite::{Error as DriverError, ErrorCode, ffi};

use crate::{
    backend::{describe_constraint, read_only, redact},
    error::{Conflict, Constraint, ConstraintKind, Error, ErrorKind},
    value::Datum,
};

pub(super) fn classify(error: &DriverError, values: &[Datum]) -> Error {
    let (code, message) = match error {
        DriverError::SqliteFailure(code, message) => (*code, message.clone()),
        DriverError::SqlInputError { error, msg, .. } => (*error, Some(msg.clone())),
        DriverError::InvalidParameterCount(given, expected) => {
            return Error::new(
                ErrorKind::Query,
                format!("run a statement: it takes {expected} parameters, {given} were given"),
            );
        }
        DriverError::ToSqlConversionFailure(error) => {
            return Error::new(ErrorKind::Decode, format!("bind a parameter: {error}"));
        }
        other => return Error::new(ErrorKind::Query, redact(&other.to_string(), values)),
    };
    let message = message.unwrap_or_else(|| code.to_string());
    let kind = kind(code, &message);
    let text = match &kind {
        ErrorKind::Constraint(constraint) => describe_constraint(constraint),
        ErrorKind::Conflict(_) => {
            "another connection holds the lock on the SQLite file; try the transaction again"
                .to_owned()
        }
        ErrorKind::ReadOnly => read_only(&redact(&message, values)),
        _ => redact(&message, values),
    };
    Error::new(kind, text).with_code(code.extended_code.to_string())
}

fn kind(code: ffi::Error, message: &str) -> ErrorKind {
    match code.code {
        ErrorCode::ConstraintViolation => match constraint(code.extended_code, message) {
            Some(constraint) => ErrorKind::Constraint(constraint),
            None => ErrorKind::Query,
        },
        ErrorCode::ReadOnly => ErrorKind::ReadOnly,
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
