//! Ending what an abandoned operation has left on the server, from a second connection.
//!
//! Invariant: when it returns without an error, the server does not work for the session any more.

use std::{fmt, panic::AssertUnwindSafe, pin::pin, time::Duration};

use futures_util::FutureExt;
use sqlx::{
    ConnectOptions, Connection, Error as DriverError, MySqlConnection, Row,
    mysql::{MySqlConnectOptions, MySqlDatabaseError},
};

use super::{classify::classify, wire::rows};
use crate::{
    backend::CredentialsSource,
    error::{Error, ErrorKind, Result},
    runtime,
};

/// How long an answer may take before it is cancelled: a second connection costs more than most statements.
const BEFORE_CANCEL: Duration = Duration::from_millis(2);
/// How long the server may take until it is asked again, for a script has several statements.
const BETWEEN_CANCELS: Duration = Duration::from_millis(100);
/// How long it may take in all. Undoing what a large statement has changed takes as long as the changes.
const CANCEL_WITHIN: Duration = Duration::from_secs(4);
/// How often a connection is looked for on the server that is to end it.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);
/// How many answers may be errors before the connection counts as lost: that of the abandoned operation, and one of
/// its cancelling that came late.
const OWED_ERRORS: usize = 2;
/// "Unknown thread id".
const UNKNOWN_CONNECTION: u16 = 1094;

/// Ends the work of one connection.
#[derive(Debug)]
pub(super) struct Canceller {
    options: MySqlConnectOptions,
    /// Where user and password come from; those of the options may no longer be valid.
    credentials: Option<CredentialsSource>,
    /// The server's number of the connection.
    id: u64,
}

impl Canceller {
    pub(super) fn new(
        options: &MySqlConnectOptions,
        credentials: Option<CredentialsSource>,
    ) -> Self {
        // It sends two statements without text, so settings would cost a round trip and change nothing.
        let options = options.clone().set_names(false).timezone(None);
        Self {
            options: options.pipes_as_concat(false).no_engine_substitution(false),
            credentials,
            id: 0,
        }
    }

    /// The one of the connection with this number.
    pub(super) fn of_connection(self, id: u64) -> Self {
        Self { id, ..self }
    }

    /// A connection from which the other one is ended.
    async fn connect(&self) -> sqlx::Result<MySqlConnection> {
        let mut options = self.options.clone();
        if let Some(source) = &self.credentials {
            let newest = source.get().await;
            let newest = newest.map_err(|error| DriverError::Configuration(error.into()))?;
            options = options.username(&newest.user).password(&newest.password);
        }
        options.connect().await
    }

    /// Cancels what runs, and reads the answers that are owed. `mark` is a text that no earlier answer contains.
    pub(super) async fn cancel(&self, connection: &mut MySqlConnection, mark: &str) -> Result<()> {
        let work = async {
            // One future for all of it: the driver loses its place when it is dropped while it reads an answer.
            let mut settled = pin!(AssertUnwindSafe(settle(connection, mark)).catch_unwind());
            if let Some(settled) = runtime::within(BEFORE_CANCEL, settled.as_mut()).await {
                return settled.unwrap_or_else(|_| unreadable());
            }
            let mut second = self.connect().await?;
            loop {
                self.kill(&mut second, "query").await?;
                if let Some(settled) = runtime::within(BETWEEN_CANCELS, settled.as_mut()).await {
                    // The server closes it by itself when that fails.
                    let _ = second.close().await;
                    return settled.unwrap_or_else(|_| unreadable());
                }
            }
        };
        bounded(work).await
    }

    /// Ends the connection on the server.
    pub(super) async fn end(&self) -> Result<()> {
        let work = async {
            let mut second = self.connect().await?;
            self.kill(&mut second, "connection").await?;
            let look = format!(
                "select 1 from information_schema.processlist where id = {}",
                self.id
            );
            while !rows(&mut second, &look).await?.is_empty() {
                runtime::sleep(BETWEEN_LOOKS).await;
            }
            second.close().await
        };
        bounded(work).await
    }

    async fn kill(&self, second: &mut MySqlConnection, what: &str) -> sqlx::Result<()> {
        let killed = rows(second, &format!("kill {what} {}", self.id)).await;
        let is_gone = |error: &DriverError| {
            let answer = error.as_database_error();
            let answer = answer.and_then(|answer| answer.try_downcast_ref::<MySqlDatabaseError>());
            answer.is_some_and(|answer| answer.number() == UNKNOWN_CONNECTION)
        };
        match killed {
            Err(error) if is_gone(&error) => Ok(()),
            killed => killed.map(drop),
        }
    }
}

/// The driver takes something else for an answer, on some of which it panics.
fn unreadable() -> sqlx::Result<()> {
    Err(DriverError::Protocol("an answer was cut".to_owned()))
}

/// Waits for the answer to a statement of its own, which comes after all that are owed.
async fn settle(connection: &mut MySqlConnection, mark: &str) -> sqlx::Result<()> {
    let echo = format!("select '{mark}'");
    let mut errors = 0;
    loop {
        match rows(connection, &echo).await {
            // Another answer shows that the driver takes an older one for it.
            Ok(rows) => {
                let echoed = rows.first().map(|row| row.try_get::<String, _>(0));
                let is_own = matches!(echoed, Some(Ok(text)) if text == mark);
                return match is_own {
                    true => Ok(()),
                    false => unreadable(),
                };
            }
            Err(DriverError::Database(_)) if errors < OWED_ERRORS => errors += 1,
            Err(error) => return Err(error),
        }
    }
}

async fn bounded(work: impl Future<Output = sqlx::Result<()>>) -> Result<()> {
    match runtime::within(CANCEL_WITHIN, work).await {
        Some(Ok(())) => Ok(()),
        Some(Err(error)) => Err(lost(&classify("cancel a statement", error, &[]))),
        None => Err(lost(&"the server did not answer in time")),
    }
}

fn lost(reason: &dyn fmt::Display) -> Error {
    Error::new(
        ErrorKind::Connection,
        format!(
            "use a connection: an earlier statement on it was abandoned and could not be cancelled: {reason}"
        ),
    )
}
