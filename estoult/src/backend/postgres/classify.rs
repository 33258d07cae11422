//! PostgreSQL's errors by kind, from their SQLSTATE.

use sqlx::{Error as DriverError, postgres::PgDatabaseError};

use crate::{
    backend::{describe_constraint, read_only, redact, server::connection_error},
    error::{Conflict, Constraint, ConstraintKind, Error, ErrorKind},
    value::Datum,
};

/// "cached plan must not change result type".
pub(super) fn is_stale_plan(error: &DriverError) -> bool {
    server_error(error).is_some_and(|error| {
        error.code() == "0A000" && error.routine() == Some("RevalidateCachedQuery")
    })
}

fn server_error(error: &DriverError) -> Option<&PgDatabaseError> {
    match error {
        DriverError::Database(error) => error.try_downcast_ref::<PgDatabaseError>(),
        _ => None,
    }
}

pub(super) fn classify(tried: &str, error: &DriverError, values: &[Datum]) -> Error {
    if let Some(error) = connection_error(tried, error) {
        return error;
    }
    let Some(server) = server_error(error) else {
        return Error::new(ErrorKind::Query, format!("{tried}: {error}"));
    };
    let kind = kind(server);
    let message = match &kind {
        ErrorKind::Constraint(constraint) => describe_constraint(constraint),
        ErrorKind::Connection => {
            format!("{tried}: {}{}", server.message(), remedy(server.code()))
        }
        ErrorKind::ReadOnly => read_only(&message(server, values)),
        _ => message(server, values),
    };
    Error::new(kind, message).with_code(server.code())
}

fn kind(error: &PgDatabaseError) -> ErrorKind {
    let code = error.code();
    if let Some(kind) = constraint_kind(code) {
        let column = error.column().map(ToOwned::to_owned);
        return ErrorKind::Constraint(Constraint {
            kind,
            name: error.constraint().map(ToOwned::to_owned),
            table: error.table().map(ToOwned::to_owned),
            columns: column.into_iter().chain(columns(error.detail())).collect(),
        });
    }
    match code {
        "40001" => ErrorKind::Conflict(Conflict::Serialization),
        "40P01" => ErrorKind::Conflict(Conflict::Deadlock),
        "55P03" => ErrorKind::Conflict(Conflict::Busy),
        "57014" => ErrorKind::Timeout,
        "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" | "53300" | "3D000" => {
            ErrorKind::Connection
        }
        _ if code.starts_with("08") || code.starts_with("28") => ErrorKind::Connection,
        "25006" => ErrorKind::ReadOnly,
        "0A000" => ErrorKind::Unsupported,
        _ => ErrorKind::Query,
    }
}

fn constraint_kind(code: &str) -> Option<ConstraintKind> {
    Some(match code {
        "23505" => ConstraintKind::Unique,
        "23503" => ConstraintKind::ForeignKey,
        "23502" => ConstraintKind::NotNull,
        "23514" => ConstraintKind::Check,
        "23P01" => ConstraintKind::Exclusion,
        _ => return None,
    })
}

/// What to do about a refused login.
fn remedy(code: &str) -> &'static str {
    match code {
        "28P01" | "28000" => "; check user and password of the URL, and whom the server lets in",
        "3D000" => "; create it, or name another in the URL",
        "53300" => "; lower `max_connections`, or let the server take more",
        _ => "",
    }
}

/// The columns in a detail such as `Key (email)=(a@b) already exists.`; the values behind them are left.
fn columns(detail: Option<&str>) -> Vec<String> {
    let list = detail
        .and_then(|detail| detail.strip_prefix("Key ("))
        .and_then(|rest| rest.split_once(")=("))
        .map(|(list, _)| list);
    let columns = list.into_iter().flat_map(|list| list.split(", "));
    columns
        .map(|column| column.trim_matches('"').to_owned())
        .collect()
}

/// The server's message with its hint. Messages of class 22 quote the value they refuse.
fn message(error: &PgDatabaseError, values: &[Datum]) -> String {
    if error.code() == "25P02" {
        return "run a statement: an earlier one in this transaction failed, and the database takes no further ones; \
                roll back, or run what may fail in a savepoint, with `tx.transaction(…)`"
            .to_owned();
    }
    let mut text = redact(error.message(), values);
    if let Some(hint) = error.hint() {
        text.push_str(&format!(" ({hint})"));
    }
    text
}
