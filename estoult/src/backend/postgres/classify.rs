//! PostgreSQL's errors by kind, from their SQLSTATE ("PostgreSQL Error Codes").
//!
//! Invariant: the server's words pass `redact.rs` before they reach an error.

use std::io;

use super::{
    answer::Answer,
    redact::{redact_context, redact_detail, redact_message},
};
use crate::{
    backend::message::{read_only, redact},
    error::{Conflict, Constraint, ConstraintKind, DatabaseError, Error, ErrorKind},
    value::Datum,
};

/// "In failed SQL transaction".
const ABORTED: &str = "25P02";
const ABORTED_MESSAGE: &str = "run a statement: an earlier one in this transaction failed, and the database takes no \
    further ones; roll back, or run what may fail in a savepoint, with `tx.transaction(…)`";

/// Whether the server no longer has the plan of a prepared statement, or refuses it after a change of a table: "cached
/// plan must not change result type". It does so before the statement runs.
pub(super) fn is_stale_plan(answer: &Answer) -> bool {
    let routine = answer.routine.as_deref();
    is_missing(answer)
        || answer.code == "0A000" && routine == Some("RevalidateCachedQuery")
        // The type of a parameter was dropped, and another one may have its name.
        || answer.code == "XX000" && routine.is_some_and(|routine| TYPE_LOOKUPS.contains(&routine))
}

/// The server's functions that look up a parameter's type when a statement is bound.
const TYPE_LOOKUPS: [&str; 2] = ["getTypeInputInfo", "getTypeBinaryInputInfo"];

/// Whether the server does not have a prepared statement: the program's own SQL may have deallocated it.
pub(super) fn is_missing(answer: &Answer) -> bool {
    answer.code == "26000" && answer.routine.as_deref() == Some("FetchPreparedStatement")
}

/// Whether a session lacks a prepared statement, or has it twice: a pooler lends each client the sessions of others.
/// One of PgBouncer's own answers has the code of a broken protocol.
fn is_of_pooler(answer: &Answer) -> bool {
    matches!(answer.code.as_str(), "26000" | "42P05")
        || answer.code == "08P01" && answer.message.contains("prepared statement")
}

const POOLER_REMEDY: &str =
    "; behind a pooler such as PgBouncer set `statement_cache_capacity=0` in the URL";

/// Whether the server could not infer the type of a parameter, or found several.
pub(super) fn is_untyped(answer: &Answer) -> bool {
    matches!(answer.code.as_str(), "42P18" | "42725")
}

/// The error for a statement that was not answered, since the connection failed.
pub(super) fn lost(error: io::Error) -> Error {
    Error::new(
        ErrorKind::Connection,
        format!(
            "run a statement: the connection was lost ({error}); whether the statement took effect is not known, a \
             transaction that was not committed is rolled back"
        ),
    )
    .with_source(error)
}

/// The error for what the server answers.
pub(super) fn classify(tried: &str, server: &Answer, values: &[Datum]) -> Error {
    let (kind, words) = (kind(server), words(server, values));
    let code = server.code.as_str();
    let message = match &kind {
        ErrorKind::Constraint(constraint) => {
            format!("{}{}", constraint.describe(), of_copy(&words))
        }
        ErrorKind::Connection => format!("{tried}: {}{}", words.message, remedy(server)),
        ErrorKind::ReadOnly => read_only(&words.message),
        _ if code == ABORTED => ABORTED_MESSAGE.to_owned(),
        _ if is_of_pooler(server) => format!("{}{POOLER_REMEDY}", words.message),
        _ => format!("{}{}", words.message, of_copy(&words)),
    };
    Error::answered(kind, message, words)
}

/// The place in the data of a COPY: ` (COPY books, line 7, column price)`.
fn of_copy(words: &DatabaseError) -> String {
    let context = words.context.as_deref().unwrap_or_default();
    let mut lines = context.lines();
    let place = lines.find(|line| line.starts_with("COPY "));
    place.map_or_else(String::new, |place| {
        format!(" ({})", place.trim_end_matches(": …"))
    })
}

/// The values that the server's message may quote. Of a name in the text, which it finds before it has any values, it
/// gives the place.
fn named_values<'v>(server: &Answer, values: &'v [Datum]) -> &'v [Datum] {
    let is_of_text = server.position.is_some() && server.code.starts_with("42");
    if is_of_text { &[] } else { values }
}

/// The server's own words, without values.
fn words(server: &Answer, values: &[Datum]) -> DatabaseError {
    let (code, detail) = (server.code.as_str(), server.detail.as_deref());
    DatabaseError {
        code: code.to_owned(),
        message: redact_message(code, &server.message, named_values(server, values)),
        detail: detail.map(|detail| redact_detail(code, detail, values)),
        hint: server.hint.as_deref().map(|hint| redact(hint, values)),
        position: server.position,
        severity: Some(server.severity.clone()),
        context: server
            .context
            .as_deref()
            .map(|context| redact_context(context, values)),
        schema: server.schema.clone(),
        table: server.table.clone(),
        column: server.column.clone(),
        data_type: server.data_type.clone(),
        constraint: server.constraint.clone(),
        routine: server.routine.clone(),
        source_file: server.file.clone(),
        source_line: server.line,
    }
}

fn kind(error: &Answer) -> ErrorKind {
    let code = error.code.as_str();
    if let Some(kind) = constraint_kind(code) {
        let columns = columns(error.detail.as_deref());
        return ErrorKind::Constraint(Constraint {
            kind,
            name: error.constraint.clone(),
            table: error.table.clone(),
            columns: error.column.clone().into_iter().chain(columns).collect(),
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
        // A foreign key with RESTRICT has a code of its own since PostgreSQL 18.
        "23503" | "23001" => ConstraintKind::ForeignKey,
        "23502" => ConstraintKind::NotNull,
        "23514" => ConstraintKind::Check,
        "23P01" => ConstraintKind::Exclusion,
        _ => return None,
    })
}

/// The advice for a refused login.
fn remedy(server: &Answer) -> &'static str {
    match server.code.as_str() {
        "28P01" | "28000" => "; check user and password of the URL, and whom the server lets in",
        "3D000" => "; create it, or name another in the URL",
        "53300" => "; lower `max_connections`, or let the server take more",
        _ if is_of_pooler(server) => POOLER_REMEDY,
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

/// The error for a prepared statement of a transaction whose plan a change of its table has made invalid.
pub(super) fn outdated_plan(answer: &Answer) -> Error {
    let message = if is_missing(answer) {
        format!(
            "run a statement: the session no longer has it prepared, and the database has aborted the transaction; run \
             the transaction again, the statement is prepared anew then{POOLER_REMEDY}"
        )
    } else {
        "run a statement: a table or type of it was changed since it was prepared, and the database has aborted the \
         transaction; run the transaction again, the statement is prepared anew then"
            .to_owned()
    };
    Error::answered(
        ErrorKind::Conflict(Conflict::Serialization),
        message,
        words(answer, &[]),
    )
}

/// The error for a parameter whose type does not show.
pub(super) fn untyped(answer: &Answer) -> Error {
    let words = words(answer, &[]);
    let message = format!(
        "{}; write the type of the parameter into the statement, as in `cast(:name as text)`",
        words.message
    );
    Error::answered(ErrorKind::Query, message, words)
}

/// The error for a statement in a transaction that a failed one has aborted.
pub(super) fn aborted() -> Error {
    Error::new(ErrorKind::Query, ABORTED_MESSAGE).with_code(ABORTED)
}
