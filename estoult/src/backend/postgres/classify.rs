//! PostgreSQL's errors by kind, from their SQLSTATE ("PostgreSQL Error Codes").
//!
//! Invariant: the server's words pass `redact.rs` before they reach an error.

use sqlx::{
    Error as DriverError,
    postgres::{PgDatabaseError, PgErrorPosition},
};

use super::redact::{redact_detail, redact_message};
use crate::{
    backend::{
        message::{read_only, redact},
        server::answer,
    },
    error::{Conflict, Constraint, ConstraintKind, DatabaseError, Error, ErrorKind},
    value::Datum,
};

/// Whether the server refused a plan after DDL: "cached plan must not change result type".
pub(super) fn is_stale_plan(error: &DriverError) -> bool {
    let DriverError::Database(answer) = error else {
        return false;
    };
    let server = answer.try_downcast_ref::<PgDatabaseError>();
    server.is_some_and(|server| {
        server.code() == "0A000" && server.routine() == Some("RevalidateCachedQuery")
    })
}

/// The error for what the driver reports.
pub(super) fn classify(tried: &str, error: DriverError, values: &[Datum]) -> Error {
    let answer = match answer(tried, error) {
        Ok(answer) => answer,
        Err(error) => return error,
    };
    let Some(server) = answer.try_downcast_ref::<PgDatabaseError>() else {
        return Error::internal(format!(
            "{tried}: PostgreSQL's driver answered for another database"
        ));
    };
    let (kind, words) = (kind(server), words(server, values));
    let message = match &kind {
        ErrorKind::Constraint(constraint) => constraint.describe(),
        ErrorKind::Connection => format!("{tried}: {}{}", words.message, remedy(server.code())),
        ErrorKind::ReadOnly => read_only(&words.message),
        _ if server.code() == "25P02" => aborted(),
        _ => words.message.clone(),
    };
    Error::answered(kind, message, words)
}

/// The server's own words, without values.
fn words(server: &PgDatabaseError, values: &[Datum]) -> DatabaseError {
    let owned = |name: Option<&str>| name.map(ToOwned::to_owned);
    let detail = server.detail();
    DatabaseError {
        code: server.code().to_owned(),
        message: redact_message(server.code(), server.message(), values),
        detail: detail.map(|detail| redact_detail(server.code(), detail, values)),
        hint: server.hint().map(|hint| redact(hint, values)),
        position: match server.position() {
            Some(PgErrorPosition::Original(position)) => Some(position),
            // A position in a statement within a function does not apply to that of the program.
            Some(PgErrorPosition::Internal { .. }) | None => None,
        },
        schema: owned(server.schema()),
        table: owned(server.table()),
        column: owned(server.column()),
        data_type: owned(server.data_type()),
        constraint: owned(server.constraint()),
    }
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
        // The server shuts down, crashed, starts or ends idle sessions; it is full; the database does not exist.
        "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" | "53300" | "3D000" => {
            ErrorKind::Connection
        }
        // The classes of connection exceptions and of refused logins.
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

/// The advice for a refused login.
fn remedy(code: &str) -> &'static str {
    match code {
        "28P01" | "28000" => "; check user and password of the URL, and whom the server lets in",
        "3D000" => "; create it, or name another in the URL",
        "53300" => "; lower `max_connections`, or let the server take more",
        _ => "",
    }
}

/// The columns in a detail such as `Key (email)=(a@b) already exists.`; not the values behind them.
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

fn aborted() -> String {
    "run a statement: an earlier one in this transaction failed, and the database takes no further ones; \
     roll back, or run what may fail in a savepoint, with `tx.transaction(…)`"
        .to_owned()
}
