//! One attempt to connect a database, for all who wait for it, wherever they run.
//!
//! A task of the runtime of whoever is first drives it, so that it goes on when that one gives up. It shows regularly
//! that it is alive: when it stops, because its runtime stands still or has ended, another runtime takes over.
//!
//! Invariant: nobody waits for a runtime other than his own without looking whether it still runs.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    task::Poll,
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Handle, Id},
    task::AbortHandle,
    time::timeout,
};

use super::{
    connecting,
    drive::{BEAT, Drive},
    life::{Turn, Withdrawal},
    lives::Hold,
};
use crate::{
    database::Database,
    error::{Error, ErrorKind, Result},
};

/// One attempt to connect a database.
pub(super) struct Attempt {
    turn: Turn,
    ends: Instant,
    outcome: OnceLock<Result<()>>,
    task: Mutex<Option<Arc<Task>>>,
}

impl Attempt {
    pub(super) fn new(turn: Turn, limit: Duration) -> Self {
        Self {
            turn,
            ends: Instant::now() + limit,
            outcome: OnceLock::new(),
            task: Mutex::new(None),
        }
    }

    pub(super) fn turn(&self) -> Turn {
        self.turn
    }

    /// When it has taken as long as it may.
    pub(super) fn ends(&self) -> Instant {
        self.ends
    }

    /// Keeps what came out, for those who wait.
    pub(super) fn conclude(&self, outcome: Result<()>) {
        // Each attempt is settled once, under the lock of its database.
        let _ = self.outcome.set(outcome);
    }

    /// Ends what is still done for it.
    pub(super) fn stop(&self) {
        let task = self.task().take();
        if let Some(task) = task {
            task.stop();
        }
    }

    fn task(&self) -> MutexGuard<'_, Option<Arc<Task>>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who drives it, seen from this runtime. A task that stands still loses it.
    fn driver(&self, runtime: &Handle) -> Driver {
        let known = self.task().clone();
        match known {
            None => Driver::Nobody,
            Some(task) if task.runtime == runtime.id() => Driver::Here,
            Some(task) if task.drive.stop_if_still() => {
                task.stop();
                self.forget(&task);
                Driver::Nobody
            }
            Some(_) => Driver::Elsewhere,
        }
    }

    /// Makes this runtime drive it, when nobody else has begun to meanwhile.
    fn begin(self: &Arc<Self>, database: &Database, runtime: &Handle) {
        let mut task = self.task();
        if task.is_some() {
            return;
        }
        let own = Arc::new(Task {
            runtime: runtime.id(),
            drive: Drive::new(connecting::connect(database, self)),
            handle: OnceLock::new(),
        });
        *task = Some(Arc::clone(&own));
        // A runtime that shuts down drops the task right here, which needs the lock.
        drop(task);
        let driven = Driven {
            database: database.clone(),
            attempt: Arc::clone(self),
            task: Arc::clone(&own),
        };
        let handle = runtime.spawn(driven.run()).abort_handle();
        // It is set here and nowhere else.
        let _ = own.handle.set(handle);
    }

    fn forget(&self, task: &Arc<Task>) {
        let mut known = self.task();
        if known.as_ref().is_some_and(|known| Arc::ptr_eq(known, task)) {
            *known = None;
        }
    }
}

/// Who drives an attempt, seen from one runtime.
enum Driver {
    Here,
    Elsewhere,
    Nobody,
}

/// The task of a runtime that drives an attempt. What it does is apart from it, since a task of a runtime that stands
/// still can't be ended.
struct Task {
    runtime: Id,
    drive: Drive,
    handle: OnceLock<AbortHandle>,
}

impl Task {
    fn stop(&self) {
        // When it is under way at this moment, its runtime runs, and ends it.
        self.drive.stop();
        if let Some(handle) = self.handle.get() {
            handle.abort();
        }
    }
}

/// What the task runs. Dropping it lets another one take over.
struct Driven {
    database: Database,
    attempt: Arc<Attempt>,
    task: Arc<Task>,
}

impl Driven {
    async fn run(self) {
        if let Some(outcome) = self.task.drive.run().await {
            self.database.lives().settle(&self.attempt, outcome);
        }
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.attempt.forget(&self.task);
        self.task.drive.stop();
        self.database.lives().tell();
    }
}

/// Somebody who waits for an attempt.
pub(super) struct Waiting {
    database: Database,
    attempt: Arc<Attempt>,
    is_over: bool,
}

impl Waiting {
    pub(super) fn new(database: &Database, attempt: Arc<Attempt>) -> Self {
        Self {
            database: database.clone(),
            attempt,
            is_over: false,
        }
    }

    /// Waits for the outcome, and sees to it that somebody drives the attempt.
    pub(super) async fn hold(mut self) -> Result<Hold> {
        let options = self.database.source().options();
        let outcome = if options.min_connections == 0 && !options.hooks.has_greeting() {
            // There is nothing to do.
            self.database.lives().settle(&self.attempt, Ok(()));
            self.attempt.outcome.get().cloned().unwrap_or(Ok(()))
        } else {
            match Handle::try_current() {
                Ok(runtime) => self.shared(&runtime).await?,
                Err(_) => self.alone().await,
            }
        };
        self.is_over = true;
        outcome.map(|()| Hold::given(&self.database))
    }

    /// Waits while a task drives the attempt, here or elsewhere. What is told on the outside is no outcome of it.
    async fn shared(&self, runtime: &Handle) -> Result<Result<()>> {
        let mut has_begun = false;
        loop {
            let mut changes = pin!(self.database.lives().changes());
            changes.as_mut().enable();
            if let Some(outcome) = self.attempt.outcome.get() {
                return Ok(outcome.clone());
            }
            match self.attempt.driver(runtime) {
                Driver::Here => changes.await,
                Driver::Elsewhere => {
                    // Either way it is looked at again.
                    let _ = timeout(BEAT, changes).await;
                }
                Driver::Nobody if has_begun => return Err(self.runtime_has_ended()),
                Driver::Nobody => {
                    has_begun = true;
                    self.attempt.begin(&self.database, runtime);
                }
            }
        }
    }

    /// Drives the attempt itself where there is no runtime, beside whoever does so elsewhere.
    async fn alone(&self) -> Result<()> {
        let lives = self.database.lives();
        let mut work = connecting::connect(&self.database, &self.attempt);
        loop {
            let mut changes = pin!(lives.changes());
            changes.as_mut().enable();
            if let Some(outcome) = self.attempt.outcome.get() {
                return outcome.clone();
            }
            let done = poll_fn(|context| match work.as_mut().poll(context) {
                Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
                Poll::Pending => changes.as_mut().poll(context).map(|()| None),
            });
            if let Some(outcome) = done.await {
                lives.settle(&self.attempt, outcome.clone());
                return self.attempt.outcome.get().cloned().unwrap_or(outcome);
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

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let withdrawal = self.database.lives().withdraw(&self.attempt);
        if withdrawal == Withdrawal::Over && matches!(self.attempt.outcome.get(), Some(Ok(()))) {
            // It has succeeded for this one, too, who does not want it any more.
            drop(Hold::given(&self.database));
        }
    }
}
