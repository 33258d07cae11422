//! [`Waiter`]: a caller that waits for an attempt to connect, and makes sure that a runtime drives the attempt.
//!
//! Invariant: a caller never awaits another runtime's task without checking its heartbeat.

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll};

use tokio::runtime::Handle;

use super::{connect, guard::LifespanGuard};
use crate::{
    database::{
        Database,
        state::{Attempt, DrivenBy, HEARTBEAT, Task, Withdrawal},
    },
    error::{Error, ErrorKind, Result},
    runtime::{own, within},
};

/// A caller that waits for an attempt. Dropping it withdraws the caller: `is_over` says that there is nothing to undo.
pub(super) struct Waiter {
    database: Database,
    attempt: Arc<Attempt>,
    is_over: bool,
}

impl Waiter {
    pub(super) fn new(database: &Database, attempt: Arc<Attempt>) -> Self {
        Self {
            database: database.clone(),
            attempt,
            is_over: false,
        }
    }

    /// Waits for the outcome.
    pub(super) async fn wait(mut self) -> Result<LifespanGuard> {
        let options = self.database.source().options();
        let outcome = if options.min_connections == 0 && !self.database.hooks().has_on_connect() {
            // Fast path: there is nothing to open and nothing to run, so no task is needed.
            self.database.lifespans().settle(&self.attempt, Ok(()));
            self.attempt.outcome().cloned().unwrap_or(Ok(()))
        } else {
            match Handle::try_current() {
                Ok(runtime) => self.with_runtime(&runtime).await?,
                Err(_) => self.without_runtime().await,
            }
        };
        // From here on the guard, not the waiter, ends the lifespan that the attempt gave to this caller.
        self.is_over = true;
        outcome.map(|()| LifespanGuard::new(&self.database))
    }

    /// Waits while a task drives the attempt, on this runtime or another one. The outer error is not the outcome of the
    /// attempt, which others go on with: this runtime shuts down.
    async fn with_runtime(&self, runtime: &Handle) -> Result<Result<()>> {
        let mut has_begun = false;
        loop {
            let mut changes = pin!(self.database.lifespans().changes());
            changes.as_mut().enable();
            if let Some(outcome) = self.attempt.outcome() {
                return Ok(outcome.clone());
            }
            // Each round starts over: the task that drove the attempt may have ended without an outcome since.
            match self.attempt.driven_by(runtime) {
                // Its task is dropped with the runtime at the latest, and its driver notifies then.
                DrivenBy::This => own(changes).await,
                DrivenBy::Other => {
                    // The other runtime may be blocked, so a notification may never come: check the heartbeat again.
                    let _ = within(HEARTBEAT, changes).await;
                }
                // This caller's own task is gone without an outcome, which happens when this runtime shuts down.
                DrivenBy::None if has_begun => return Err(self.runtime_has_ended()),
                // No task yet, or a stalled one that was stopped. If another caller is faster, the next round sees it.
                DrivenBy::None => {
                    has_begun = true;
                    self.spawn(runtime);
                }
            }
        }
    }

    /// Makes this runtime drive the attempt, unless another caller was faster.
    fn spawn(&self, runtime: &Handle) {
        let work = || connect::connect(&self.database, &self.attempt);
        let Some(task) = self.attempt.new_task(runtime, work) else {
            return;
        };
        let driver = Driver {
            database: self.database.clone(),
            attempt: Arc::clone(&self.attempt),
            task: Arc::clone(&task),
        };
        // A runtime that shuts down drops the driver within `spawn`, so no lock may be held here.
        task.set_handle(runtime.spawn(driver.run()).abort_handle());
    }

    /// Drives the attempt itself where there is no runtime, beside any task that drives it elsewhere: without a clock
    /// this caller could not check a heartbeat. The first outcome counts.
    async fn without_runtime(&self) -> Result<()> {
        let lifespans = self.database.lifespans();
        let mut work = connect::connect(&self.database, &self.attempt);
        loop {
            let mut changes = pin!(lifespans.changes());
            changes.as_mut().enable();
            if let Some(outcome) = self.attempt.outcome() {
                return outcome.clone();
            }
            // Both are polled, so that the outcome of a task elsewhere ends this work, too.
            let done = poll_fn(|context| match work.as_mut().poll(context) {
                Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
                Poll::Pending => changes.as_mut().poll(context).map(|()| None),
            });
            if let Some(outcome) = done.await {
                lifespans.settle(&self.attempt, outcome.clone());
                // Not its own: a task elsewhere may have settled the attempt just before, and all callers get the same.
                return self.attempt.outcome().cloned().unwrap_or(outcome);
            }
        }
    }

    fn runtime_has_ended(&self) -> Error {
        Error::new(
            ErrorKind::Connection,
            format!(
                "connect to {}: the tokio runtime that drives it ends; connect before that, or on another one",
                self.database.address()
            ),
        )
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let withdrawal = self.database.lifespans().withdraw(&self.attempt);
        if withdrawal == Withdrawal::Over && matches!(self.attempt.outcome(), Some(Ok(()))) {
            // The attempt succeeded before the caller gave up, so the caller has a lifespan, which ends here.
            drop(LifespanGuard::new(&self.database));
        }
    }
}

/// What the task of an attempt runs. Dropping it lets another task take over.
struct Driver {
    database: Database,
    attempt: Arc<Attempt>,
    task: Arc<Task>,
}

impl Driver {
    async fn run(self) {
        if let Some(outcome) = self.task.future.run().await {
            self.database.lifespans().settle(&self.attempt, outcome);
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // First forgotten, then notified: a caller that wakes must find no task, so that it makes its own.
        self.attempt.forget(&self.task);
        self.task.future.stop();
        self.database.lifespans().notify();
    }
}
