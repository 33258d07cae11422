//! The errors of MySQL and MariaDB by kind, from their numbers ("Server Error Message Reference"). Constraints are
//! named in the messages only.
//!
//! Invariant: no message shows a value.

use sqlx::{Error as DriverError, mysql::MySqlDatabaseError};

use crate::{
    backend::{
        message::{read_only, redact},
        server::answer,
    },
    error::{Conflict, Constraint, ConstraintKind, DatabaseError, Error, ErrorKind},
    value::Datum,
};

/// The words before the values that messages quote.
const BEFORE_VALUES: [&str; 7] = [
    "value of '",
    "value: '",
    "value '",
    "entry '",
    "error: '",
    "string '",
    "out of range in '",
];

/// The error for what the driver reports.
pub(super) fn classify(tried: &str, error: DriverError, values: &[Datum]) -> Error {
    let answer = match answer(tried, error) {
        Ok(answer) => answer,
        Err(error) => return error,
    };
    let Some(server) = answer.try_downcast_ref::<MySqlDatabaseError>() else {
        return Error::internal(format!(
            "{tried}: MySQL's driver answered for another database"
        ));
    };
    let kind = kind(server.number(), server.message());
    let words = redact_message(server.message(), values);
    let message = match &kind {
        ErrorKind::Constraint(constraint) => constraint.describe(),
        ErrorKind::Connection => format!("{tried}: {words}{}", remedy(server.number())),
        ErrorKind::ReadOnly => read_only(&words),
        _ => words.clone(),
    };
    let answer = DatabaseError {
        code: server.number().to_string(),
        message: words,
        ..DatabaseError::default()
    };
    Error::answered(kind, message, answer)
}

/// Whether the server closes the connection behind this error, although it was an answer: a packet was larger than
/// `max_allowed_packet`, and what follows it can't be read.
pub(super) fn closes_connection(error: &Error) -> bool {
    error.code() == Some("1153")
}

/// The message without values: neither those that were bound nor those that it quotes.
fn redact_message(message: &str, values: &[Datum]) -> String {
    let mut text = redact(message, values);
    for before in BEFORE_VALUES {
        if let Some(start) = text.find(before).map(|at| at + before.len()) {
            // A value may contain quotes; after it the message names the column or the key.
            let end = text[start..].rfind("' for ");
            let end = end.or_else(|| text[start..].rfind('\''));
            let end = end.map_or(text.len(), |length| start + length);
            text.replace_range(start..end, "…");
        }
    }
    text
}

fn kind(number: u16, message: &str) -> ErrorKind {
    if let Some(kind) = constraint_kind(number) {
        return ErrorKind::Constraint(constraint(kind, message));
    }
    match number {
        1213 => ErrorKind::Conflict(Conflict::Deadlock),
        // A lock was not free in time, or not at once for NOWAIT.
        1205 | 3572 => ErrorKind::Conflict(Conflict::Busy),
        1020 => ErrorKind::Conflict(Conflict::Serialization),
        // Interrupted by KILL QUERY, or by a time limit of MariaDB or MySQL.
        1317 | 1969 | 3024 => ErrorKind::Timeout,
        // The login is refused, the server is full or shuts down, the connection was lost or killed.
        1040
        | 1044
        | 1045
        | 1049
        | 1053
        | 1129
        | 1130
        | 1152
        | 1158..=1161
        | 1203
        | 1226
        | 1698
        | 1927
        | 2002
        | 2006
        | 2013
        | 4031 => ErrorKind::Connection,
        1235 => ErrorKind::Unsupported,
        // 1290 also reports other options that forbid a statement, so the message decides. 1792: a transaction that may
        // only read; 1836: a server that does.
        1290 if message.contains("read-only") || message.contains("read_only") => {
            ErrorKind::ReadOnly
        }
        1792 | 1836 => ErrorKind::ReadOnly,
        _ => ErrorKind::Query,
    }
}

/// The advice for a refused login.
fn remedy(number: u16) -> &'static str {
    match number {
        1044 | 1045 | 1130 | 1698 => {
            "; check user and password of the URL, and whom the server lets in"
        }
        1049 => "; create it, or name another in the URL",
        1040 | 1203 | 1226 => "; lower `max_connections`, or let the server take more",
        _ => "",
    }
}

fn constraint_kind(number: u16) -> Option<ConstraintKind> {
    Some(match number {
        1062 | 1586 => ConstraintKind::Unique,
        1216 | 1217 | 1451 | 1452 => ConstraintKind::ForeignKey,
        1048 | 1364 => ConstraintKind::NotNull,
        3819 | 4025 => ConstraintKind::Check,
        _ => return None,
    })
}

fn constraint(kind: ConstraintKind, message: &str) -> Constraint {
    let between = |start: &str, end: &str| {
        let (_, rest) = message.split_once(start)?;
        rest.split_once(end).map(|(found, _)| found.to_owned())
    };
    let mut constraint = Constraint {
        kind,
        name: None,
        table: None,
        columns: Vec::new(),
    };
    match kind {
        ConstraintKind::Unique => {
            // MySQL writes `table.key` since 8.0.19, MariaDB the key alone.
            let key = message
                .rsplit_once("for key '")
                .map(|(_, key)| key.trim_end_matches('\''));
            let (table, name) = match key.unwrap_or_default().split_once('.') {
                Some((table, name)) => (Some(table), name),
                None => (None, key.unwrap_or_default()),
            };
            constraint.table = table.map(ToOwned::to_owned);
            constraint.name = Some(name.to_owned()).filter(|name| !name.is_empty());
        }
        ConstraintKind::ForeignKey => {
            constraint.name = between("CONSTRAINT `", "`");
            constraint.table = between("`.`", "`");
            let columns = between("FOREIGN KEY (", ")").unwrap_or_default();
            constraint.columns = columns
                .split(", ")
                .map(|column| column.trim_matches('`').to_owned())
                .collect();
        }
        ConstraintKind::NotNull => {
            constraint.columns = between("Column '", "'")
                .or_else(|| between("Field '", "'"))
                .into_iter()
                .collect();
        }
        ConstraintKind::Check | ConstraintKind::Exclusion => {
            constraint.name = between("CONSTRAINT `", "`").or_else(|| between("constraint '", "'"));
            constraint.table = between("`.`", "`");
        }
    }
    constraint
}
