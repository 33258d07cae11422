//! What an error is in HTTP: its kind decides the status, and what a stranger may read of it.

use std::io::{self, Write};

use estoult::{Error, ErrorKind};
use serde_json::{Value, json};

/// The status of an answer to a request that failed.
#[must_use]
pub fn status(error: &Error) -> u16 {
    match error.kind() {
        ErrorKind::NotFound => 404,
        ErrorKind::Constraint(_) | ErrorKind::Conflict(_) => 409,
        ErrorKind::Invalid(_) => 422,
        ErrorKind::Timeout | ErrorKind::Connection => 503,
        _ => 500,
    }
}

/// The status and the body of such an answer. What is the server's own affair goes to its log and not to the client.
#[must_use]
pub fn refusal(error: &Error) -> (u16, Value) {
    let status = status(error);
    let body = match status {
        404 => json!({ "error": "there is none with this key" }),
        409 => json!({ "error": "it contradicts what is stored" }),
        422 => json!({ "errors": fields(error) }),
        503 => json!({ "error": "the database does not answer; try again later" }),
        _ => json!({ "error": "the server made a mistake" }),
    };
    if status >= 500 {
        let _ = writeln!(io::stderr(), "answered {status}: {error}");
    }
    (status, body)
}

/// Every field that is wrong: code for programs, message for people.
fn fields(error: &Error) -> Vec<Value> {
    let fields = error.fields().iter().map(|error| {
        json!({
            "field": error.field(),
            "code": error.code(),
            "message": error.to_string(),
        })
    });
    fields.collect()
}
