//! Separating a server's answers from failures of sqlx, its driver.
//!
//! Invariant: a lost connection has the kind `Connection`, whichever way the driver reports it.

use sqlx::{Error as DriverError, error::DatabaseError as Answer};

use crate::{
    backend::Statement,
    error::{Error, ErrorKind},
};

/// The server's answer; `Err` for a connection that could not be made or was lost.
pub(crate) fn answer(tried: &str, error: DriverError) -> Result<Box<dyn Answer>, Error> {
    let failed = |reason: String| Error::new(ErrorKind::Connection, format!("{tried}: {reason}"));
    Err(match error {
        DriverError::Database(answer) => return Ok(answer),
        DriverError::Io(error) => {
            failed(format!("{error}; is the server running and reachable?")).with_source(error)
        }
        DriverError::Tls(error) => failed(format!("TLS failed: {error}")).with_source(error),
        DriverError::Configuration(error) => failed(error.to_string()).with_source(error),
        DriverError::Protocol(message) => failed(format!("unexpected answer: {message}")),
        other => failed(other.to_string()),
    })
}

/// The error of a statement whose connection was lost; the driver's error where it was not.
pub(crate) fn lost_connection(error: DriverError) -> Result<Error, DriverError> {
    let lost = |reason: &str| {
        Error::new(
            ErrorKind::Connection,
            format!(
                "run a statement: the connection was lost ({reason}); whether the statement took effect is not \
                 known, a transaction that was not committed is rolled back"
            ),
        )
    };
    match error {
        // tokio has no error type for a socket whose runtime is gone, only this text.
        DriverError::Io(error) if error.to_string().contains("being shutdown") => {
            Ok(lost("the tokio runtime that it was opened on has ended").with_source(error))
        }
        DriverError::Io(error) => Ok(lost(&error.to_string()).with_source(error)),
        DriverError::Tls(error) => Ok(lost(&error.to_string()).with_source(error)),
        other => Err(other),
    }
}

/// The error of a connection whose last operation was abandoned, and whose driver can't recover from that.
pub(crate) fn abandoned() -> Error {
    Error::new(
        ErrorKind::Connection,
        "use a connection: an earlier statement on it was abandoned before it ended",
    )
}

/// Adds to an error the text of the statement it came from.
pub(crate) fn of_statement(error: Error, statement: &Statement) -> Error {
    error.with_statement(&statement.sql)
}

/// The names of columns.
pub(super) fn names<C: sqlx::Column>(columns: &[C]) -> Vec<String> {
    let names = columns.iter().map(|column| column.name().to_owned());
    names.collect()
}
