//! The errors of MySQL and MariaDB by kind, from their numbers. Names of constraints stand in the messages only.

use sqlx::{Error as DriverError, mysql::MySqlDatabaseError};

use crate::{
    backend::{describe_constraint, read_only, redact, server::connection_error},
    error::{Conflict, Constraint, ConstraintKind, Error, ErrorKind},
    value::Datum,
};

pub(super) fn classify(tried: &str, error: &DriverError, values: &[Datum]) -> Error {
    if let Some(error) = connection_error(tried, error) {
        return error;
    }
    let server = match error {
        DriverError::Database(error) => error.try_downcast_ref::<MySqlDatabaseError>(),
        _ => None,
    };
    let Some(server) = server else {
        return Error::new(ErrorKind::Query, format!("{tried}: {error}"));
    };
    let kind = kind(server.number(), server.message());
    let message = match &kind {
        ErrorKind::Constraint(constraint) => describe_constraint(constraint),
        ErrorKind::Connection => {
            format!("{tried}: {}{}", server.message(), remedy(server.number()))
        }
        ErrorKind::ReadOnly => read_only(&redact(server.message(), values)),
        _ => redact(server.message(), values),
    };
    Error::new(kind, message).with_code(server.number().to_string())
}

fn kind(number: u16, message: &str) -> ErrorKind {
    if let Some(kind) = constraint_kind(number) {
        return ErrorKind::Constraint(constraint(kind, message));
    }
    match number {
        1213 => ErrorKind::Conflict(Conflict::Deadlock),
        1205 | 3572 => ErrorKind::Conflict(Conflict::Busy),
        1020 => ErrorKind::Conflict(Conflict::Serialization),
        1317 | 1969 | 3024 => ErrorKind::Timeout,
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
        // A transaction that may only read; a server that does.
        1290 if message.contains("read-only") || message.contains("read_only") => {
            ErrorKind::ReadOnly
        }
        1792 | 1836 => ErrorKind::ReadOnly,
        _ => ErrorKind::Query,
    }
}

/// What to do about a refused login.
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
            // MySQL 8 writes `table.key`, MariaDB the key alone.
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
