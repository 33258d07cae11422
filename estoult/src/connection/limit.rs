//! [`Limit`]: how long one statement may take.
//!
//! A statement whose time is over is dropped like any other future, so its connection has to recover.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use tokio::runtime::Handle;

use crate::{
    backend::Statement,
    error::{Conflict, Error, ErrorKind, Result},
    runtime::{check_timers, end_after, is_time_over, own, until, within},
};

/// The outcome of an operation; the outer error when it was dropped because its time was over.
pub(super) type TimeLimited<T> = std::result::Result<Result<T>, Error>;

/// When a transaction has to be done, and the time that it was given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    pub(super) end: Instant,
    pub(super) whole: Duration,
}

/// How long another runtime that drives the socket may take to run a task, and when it is asked.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
const ASKED_AFTER: Duration = Duration::from_millis(500);

/// The time limit of one statement.
pub(super) struct Limit {
    bound: Option<Bound>,
    /// Another runtime than the caller's, without which no answer arrives.
    driver: Option<Handle>,
}

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
        let bound = match statement {
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
        };
        Ok(Self {
            bound: Some(bound),
            driver: None,
        })
    }

    /// The limit of a statement that no transaction limits.
    pub(super) fn of(statement: Option<Duration>) -> Self {
        Self {
            bound: statement.map(|left| Bound {
                left,
                transaction: None,
                sql: None,
            }),
            driver: None,
        }
    }

    /// The same for a socket that this runtime drives, which may be blocked, maybe by the caller itself.
    pub(super) fn driven_by(self, driver: Option<Handle>) -> Self {
        Self { driver, ..self }
    }

    /// The same, which names the statement when its time is over.
    pub(super) fn of_statement(mut self, statement: &Statement) -> Self {
        if let Some(bound) = &mut self.bound {
            bound.sql = Some(Arc::clone(&statement.sql));
        }
        self
    }

    /// Runs an operation; drops it when its time is over. Without a runtime there is no clock and no limit.
    pub(super) async fn run<T>(self, operation: impl Future<Output = Result<T>>) -> TimeLimited<T> {
        let operation = run_within(self.bound, operation);
        match self.driver {
            None => operation.await,
            // Boxed: only MySQL's sockets stay with a runtime, and callers are mostly on that one.
            Some(driver) => Box::pin(while_driven(driver, operation)).await,
        }
    }
}

/// Runs an operation while the runtime that drives its socket answers.
async fn while_driven<T>(
    driver: Handle,
    operation: impl Future<Output = TimeLimited<T>>,
) -> TimeLimited<T> {
    check_timers()?;
    let mut operation = pin!(operation);
    loop {
        if let Some(outcome) = within(ASKED_AFTER, operation.as_mut()).await {
            return outcome;
        }
        // One that has ended drops the task at once; its sockets say so themselves.
        let mut answer = driver.spawn(async {});
        let answered = poll_fn(|context| match operation.as_mut().poll(context) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending => pin!(&mut answer).poll(context).map(|_| None),
        });
        match within(ANSWERS_WITHIN, answered).await {
            Some(Some(outcome)) => return outcome,
            Some(None) => {}
            None => return Err(blocked()),
        }
    }
}

async fn run_within<T>(
    bound: Option<Bound>,
    operation: impl Future<Output = Result<T>>,
) -> TimeLimited<T> {
    // Fast path: without a limit no timer is made.
    let Some(bound) = bound else {
        return Ok(own(pin!(operation)).await);
    };
    check_timers()?;
    let end = end_after(bound.left);
    let operation = until(end, async { (operation.await, is_time_over()) });
    match within(bound.left, operation).await {
        // What blocks this thread has stopped by itself.
        Some((Err(error), true)) if has_stopped(&error) => Err(bound.expired()),
        Some((outcome, _)) => Ok(outcome),
        None => Err(bound.expired()),
    }
}

/// Whether an error may be that of work which saw that its time is over.
fn has_stopped(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Timeout | ErrorKind::Conflict(Conflict::Busy)
    )
}

/// The error for a statement whose answer no thread takes from the socket.
fn blocked() -> Error {
    Error::new(
        ErrorKind::Timeout,
        format!(
            "run a statement: the tokio runtime that drives its connection has run nothing for {ANSWERS_WITHIN:?}, so \
             no answer can arrive; do not block the threads of the runtime on which the transaction or connection was \
             begun, or begin it where it is used"
        ),
    )
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
