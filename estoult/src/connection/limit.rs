//! [`Limit`]: how long one statement may take.
//!
//! A statement whose time is over is dropped like any other future, so its connection has to recover.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    backend::Statement,
    error::{Error, ErrorKind, Result},
    runtime::{check_timers, own, within},
};

/// The outcome of an operation; the outer error when it was dropped because its time was over.
pub(super) type TimeLimited<T> = std::result::Result<Result<T>, Error>;

/// When a transaction has to be done, and the time that it was given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    pub(super) end: Instant,
    pub(super) whole: Duration,
}

/// The time limit of one statement.
pub(super) struct Limit(Option<Bound>);

struct Bound {
    left: Duration,
    /// The time that the transaction was given, if that is what limits the statement.
    transaction: Option<Duration>,
    sql: Option<Arc<str>>,
}

impl Limit {
    /// The limit of a statement, within a transaction that may have one as well.
    pub(super) fn new(statement: Option<Duration>, transaction: Option<Deadline>) -> Result<Self> {
        let is_zero = statement.is_some_and(|limit| limit.is_zero());
        if is_zero || transaction.is_some_and(|deadline| deadline.whole.is_zero()) {
            return Err(Error::configuration(
                "run a statement: `timeout` gave it, or its transaction, no time at all, so it could not run; allow \
                 some time, or leave `timeout` out",
            ));
        }
        let Some(deadline) = transaction else {
            return Ok(Self::of(statement));
        };
        let left = deadline.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            // Nothing is sent: an answer could not be waited for.
            let whole = deadline.whole;
            return Err(Error::new(
                ErrorKind::Timeout,
                format!(
                    "use a transaction: the {whole:?} that it was given are over, so it can only be rolled back; give \
                     it more time with `timeout`, or do less in it"
                ),
            ));
        }
        Ok(Self(Some(match statement {
            Some(statement) if statement <= left => Bound {
                left: statement,
                transaction: None,
                sql: None,
            },
            _ => Bound {
                left,
                transaction: Some(deadline.whole),
                sql: None,
            },
        })))
    }

    /// The limit of a statement that no transaction limits.
    pub(super) fn of(statement: Option<Duration>) -> Self {
        Self(statement.map(|left| Bound {
            left,
            transaction: None,
            sql: None,
        }))
    }

    /// The same, which names the statement when its time is over.
    pub(super) fn of_statement(mut self, statement: &Statement) -> Self {
        if let Some(bound) = &mut self.0 {
            bound.sql = Some(Arc::clone(&statement.sql));
        }
        self
    }

    /// Runs an operation; drops it when its time is over. Without a runtime there is no clock and no limit.
    pub(super) async fn run<T>(self, operation: impl Future<Output = Result<T>>) -> TimeLimited<T> {
        // Fast path: without a limit no timer is made.
        let Some(bound) = self.0 else {
            return Ok(own(pin!(operation)).await);
        };
        check_timers()?;
        match within(bound.left, operation).await {
            Some(outcome) => Ok(outcome),
            None => Err(bound.expired()),
        }
    }
}

impl Bound {
    fn expired(self) -> Error {
        let left = self.left;
        let limit = match self.transaction {
            Some(whole) => {
                format!("the {left:?} that were left of the {whole:?} of its transaction")
            }
            None => format!("{left:?}"),
        };
        let error = Error::new(
            ErrorKind::Timeout,
            format!(
                "run a statement: it was not done within {limit}, so it was cancelled; see what it waits for, or give \
                 it more time with `timeout`"
            ),
        );
        match &self.sql {
            Some(sql) => error.with_statement(sql),
            None => error,
        }
    }
}
