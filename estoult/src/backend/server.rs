//! What the two server backends share: reading errors of connecting.

use sqlx::Error as DriverError;

use crate::{
    backend::Statement,
    error::{Error, ErrorKind},
};

/// The error for a connection that could not be made or was lost; `None` when the server answered with an error.
pub(crate) fn connection_error(tried: &str, error: &DriverError) -> Option<Error> {
    let message = match error {
        DriverError::Database(_) => return None,
        DriverError::Io(error) => format!("{tried}: {error}; is the server running and reachable?"),
        DriverError::Tls(error) => format!("{tried}: TLS failed: {error}"),
        DriverError::Configuration(error) => format!("{tried}: {error}"),
        DriverError::Protocol(message) => format!("{tried}: unexpected answer: {message}"),
        other => format!("{tried}: {other}"),
    };
    Some(Error::new(ErrorKind::Connection, message))
}

/// The error of a statement whose connection was lost; `None` when the server answered with an error.
pub(crate) fn loss_error(error: &DriverError) -> Option<Error> {
    let reason = match error {
        // This is how tokio says that the runtime of a socket is gone.
        DriverError::Io(error) if error.to_string().contains("being shutdown") => {
            "the tokio runtime that it was opened on has ended".to_owned()
        }
        DriverError::Io(error) => error.to_string(),
        DriverError::Tls(error) => error.to_string(),
        _ => return connection_error("run a statement", error),
    };
    Some(Error::new(
        ErrorKind::Connection,
        format!(
            "run a statement: the connection was lost ({reason}); whether the statement took effect is not known, \
             a transaction that was not committed is rolled back"
        ),
    ))
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
