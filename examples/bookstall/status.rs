//! Errors and health as HTTP: the kind of an error decides the status, and what a client may see.

use std::io::{self, Write};

use estoult::{Error, ErrorKind, Registry, database::DatabaseHealth};
use serde_json::{Value, json};

/// The status of an answer to a request that failed.
#[must_use]
fn status(error: &Error) -> u16 {
    match error.kind() {
        ErrorKind::NotFound => 404,
        ErrorKind::Constraint(_) | ErrorKind::Conflict(_) => 409,
        ErrorKind::Invalid(_) => 422,
        ErrorKind::Timeout | ErrorKind::Connection => 503,
        _ => 500,
    }
}

/// The status and the body of such an answer. Internal details go to the server's log, not to the client.
#[must_use]
pub fn refusal(error: &Error) -> (u16, Value) {
    let status = status(error);
    let body = match status {
        404 => json!({ "error": "there is no row with this key" }),
        409 => json!({ "error": "it conflicts with stored data" }),
        422 => json!({ "errors": fields(error) }),
        503 => json!({ "error": "the database does not answer; try again later" }),
        _ => json!({ "error": "internal error" }),
    };
    if status >= 500 {
        let _ = writeln!(io::stderr(), "answered {status}: {error}");
    }
    (status, body)
}

/// Every wrong field: code for programs, message for people.
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

/// Whether the databases are healthy, for a load balancer: 200 while every one answers, else 503.
pub async fn health(registry: &Registry) -> (u16, Value) {
    let health = registry.health().await;
    let databases: Vec<_> = health.databases().iter().map(database).collect();
    let status = if health.is_healthy() {
        200
    } else {
        // Addresses and reasons belong in the log.
        let _ = writeln!(io::stderr(), "{health}");
        503
    };
    (
        status,
        json!({ "is_healthy": health.is_healthy(), "databases": databases }),
    )
}

fn database(health: &DatabaseHealth) -> Value {
    json!({
        "name": health.name,
        "is_healthy": health.is_healthy(),
        "state": health.state.to_string(),
        "role": health.role.map(|role| role.to_string()),
        "connections": { "open": health.pool.open, "in_use": health.pool.in_use, "max": health.pool.max },
    })
}
