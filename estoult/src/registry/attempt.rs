//! One attempt to connect a database, for all who wait for it, wherever they run.
//!
//! A task of the runtime of whoever is first drives it, so that it goes on when that one gives up. It shows regularly
//! that it is alive: when it stops, because its runtime stands still or has ended, another runtime takes over.
//!
//! Invariant: nobody waits for a runtime other than his own without looking whether it still runs.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError},
    task::Poll,
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Handle, Id},
    task::AbortHandle,
    time::{interval, timeout},
};

use super::{
    connecting,
    life::{Turn, Withdrawal},
    lives::Hold,
};
use crate::{
    database::{Database, together::Work},
    error::{Error, ErrorKind, Result},
};

/// How often a task shows that it is driven, and how often others look.
const BEAT: Duration = Duration::from_millis(100);
/// After how long without a sign of life a task counts as one that nobody drives.
const STILL_AFTER: Duration = Duration::from_secs(1);

/// One attempt to connect a database.
pub(super) struct Attempt {
    turn: Turn,
    ends: Instant,
    outcome: OnceLock<Result<()>>,
    drive: Mutex<Option<Arc<Drive>>>,
}

impl Attempt {
    pub(super) fn new(turn: Turn, limit: Duration) -> Self {
        Self {
            turn,
            ends: Instant::now() + limit,
            outcome: OnceLock::new(),
            drive: Mutex::new(None),
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
        let drive = self.drive().take();
        if let Some(drive) = drive {
            drive.stop();
        }
    }

    fn drive(&self) -> MutexGuard<'_, Option<Arc<Drive>>> {
        self.drive.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who drives it, seen from this runtime. A task that stands still loses it.
    fn driver(&self, runtime: &Handle) -> Driver {
        let mut drive = self.drive();
        match &*drive {
            None => Driver::Nobody,
            Some(known) if known.runtime == runtime.id() => Driver::Here,
            Some(known) if known.is_still() && known.stop() => {
                *drive = None;
                Driver::Nobody
            }
            Some(_) => Driver::Elsewhere,
        }
    }

    /// Makes this runtime drive it, when nobody else has begun to meanwhile.
    fn begin(self: &Arc<Self>, database: &Database, runtime: &Handle) {
        let mut drive = self.drive();
        if drive.is_some() {
            return;
        }
        let own = Arc::new(Drive {
            runtime: runtime.id(),
            seen: Mutex::new(Instant::now()),
            work: Mutex::new(Some(connecting::connect(database, self))),
            task: OnceLock::new(),
        });
        *drive = Some(Arc::clone(&own));
        // A runtime that shuts down drops the task right here, which needs the lock.
        drop(drive);
        let (database, attempt) = (database.clone(), Arc::clone(self));
        let driven = Driven {
            database,
            attempt,
            drive: Arc::clone(&own),
        };
        let task = runtime.spawn(driven.run());
        let _ = own.task.set(task.abort_handle());
    }
}

/// Who drives an attempt, seen from one runtime.
enum Driver {
    Here,
    Elsewhere,
    Nobody,
}

/// What drives an attempt: a task of one runtime, and what it does.
struct Drive {
    runtime: Id,
    /// When the task was last driven.
    seen: Mutex<Instant>,
    /// Apart from the task, so that others can end it when nobody drives the task.
    work: Mutex<Option<Work<Result<()>>>>,
    task: OnceLock<AbortHandle>,
}

impl Drive {
    fn is_still(&self) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.elapsed() > STILL_AFTER
    }

    /// Ends the work; whether it was not under way at this very moment, in which case the task ends it soon.
    fn stop(&self) -> bool {
        let work = match self.work.try_lock() {
            Ok(mut work) => Some(work.take()),
            Err(TryLockError::Poisoned(work)) => Some(work.into_inner().take()),
            Err(TryLockError::WouldBlock) => None,
        };
        if let Some(task) = self.task.get() {
            task.abort();
        }
        work.is_some()
    }

    /// Goes on with the work; `None` when it was ended.
    fn poll(&self, context: &mut std::task::Context<'_>) -> Poll<Option<Result<()>>> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(ongoing) = &mut *work else {
            return Poll::Ready(None);
        };
        let polled = ongoing.as_mut().poll(context);
        if polled.is_ready() {
            *work = None;
        }
        polled.map(Some)
    }
}

/// The task that drives an attempt. Dropping it lets another one take over.
struct Driven {
    database: Database,
    attempt: Arc<Attempt>,
    drive: Arc<Drive>,
}

impl Driven {
    async fn run(self) {
        let mut beat = interval(BEAT);
        let outcome = poll_fn(|context| {
            while beat.poll_tick(context).is_ready() {}
            self.drive.poll(context)
        });
        if let Some(outcome) = outcome.await {
            self.database.lives().settle(&self.attempt, outcome);
        }
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        let mut drive = self.attempt.drive();
        if drive
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, &self.drive))
        {
            *drive = None;
        }
        drop(drive);
        self.drive.stop();
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
