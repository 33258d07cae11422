//! [`LifespanState`]: the state of a database's lifespans behind its lock, and what callers wait on.
//!
//! A caller that waits enables its notification, makes a transition, and only then awaits: no change is missed.
//!
//! Invariant: the lock is held for a transition only, never while a caller waits or a connection is closed. Within it
//! the locks of the connection source may be taken; the source in turn never takes this one.

mod attempt;
mod machine;
mod shared_future;

use std::{
    fmt,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{Notify, futures::Notified};

pub(super) use self::{
    attempt::{Attempt, DrivenBy, Task},
    machine::{AttemptId, Leave, Withdrawal},
    shared_future::HEARTBEAT,
};
use self::{
    machine::{Entry, Phase, State},
    shared_future::SharedFuture,
};
use crate::{connection::ConnectionSource, error::Result, runtime::BoxFuture};

/// Whether a database is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatabaseState {
    /// No lifespan keeps it connected.
    Idle,
    /// A first lifespan is about to start.
    Connecting,
    /// This many lifespans keep it connected.
    Connected(usize),
    /// The last lifespan has ended, and connections in use are waited for.
    Closing,
}

impl fmt::Display for DatabaseState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => f.write_str("not connected"),
            Self::Connecting => f.write_str("connecting"),
            Self::Connected(1) => f.write_str("connected"),
            Self::Connected(lifespans) => write!(f, "connected by {lifespans} lifespans"),
            Self::Closing => f.write_str("closing"),
        }
    }
}

/// The lifespans of one database.
pub(crate) struct LifespanState {
    source: Arc<dyn ConnectionSource>,
    /// Whether statements run on pooled connections: each statement reads this flag and takes no lock.
    is_open: AtomicBool,
    current: Mutex<Current>,
    /// Notified whenever waiting callers have to check the state again.
    changed: Notify,
}

#[derive(Default)]
struct Current {
    state: State,
    /// The attempt that is under way.
    attempt: Option<Arc<Attempt>>,
    /// The `on_disconnect` hooks that run.
    hooks: Option<DisconnectHooks>,
}

/// The run of the `on_disconnect` hooks, and its deadline.
#[derive(Clone)]
pub(in crate::database) struct DisconnectHooks {
    future: Arc<SharedFuture>,
    deadline: Instant,
}

impl DisconnectHooks {
    pub(in crate::database) fn new(
        work: BoxFuture<'static, Result<()>>,
        deadline: Instant,
    ) -> Self {
        Self {
            future: Arc::new(SharedFuture::new(work)),
            deadline,
        }
    }

    /// Runs them; `None` when they were stopped.
    pub(in crate::database) async fn run(&self) -> Option<Result<()>> {
        self.future.run().await
    }

    /// Stops them, whether they have finished or not.
    pub(in crate::database) fn stop(&self) {
        self.future.stop();
    }

    /// Stops them when their time is over or their runtime is stalled; whether they are stopped.
    pub(in crate::database) fn stop_if_late(&self) -> bool {
        // While the hooks are being polled they can't be stopped, so the caller waits and tries again.
        (Instant::now() >= self.deadline && self.future.stop()) || self.future.stop_if_stalled()
    }
}

/// What a caller that connects has to do next.
pub(in crate::database) enum ConnectStep {
    /// Nothing: it has a lifespan.
    Connected,
    /// Wait for this attempt, its own or that of another caller.
    WaitForAttempt(Arc<Attempt>),
    /// Wait for the hooks of the last lifespan, and try again.
    WaitForHooks(AttemptId, Option<DisconnectHooks>),
}

impl fmt::Debug for LifespanState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LifespanState").field(&self.state()).finish()
    }
}

impl LifespanState {
    pub(crate) fn new(source: Arc<dyn ConnectionSource>) -> Self {
        Self {
            source,
            is_open: AtomicBool::new(false),
            current: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Whether statements run on pooled connections.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        // Pairs with the release in `change`: a statement that sees the flag also sees the pool's new generation.
        self.is_open.load(Ordering::Acquire)
    }

    pub(crate) fn state(&self) -> DatabaseState {
        match self.current().state.phase() {
            Phase::Idle => DatabaseState::Idle,
            Phase::Connecting { .. } => DatabaseState::Connecting,
            Phase::Connected { lifespans } => DatabaseState::Connected(lifespans),
            Phase::Disconnecting { .. } | Phase::Closing { .. } => DatabaseState::Closing,
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a transition. Pooling of released connections starts and ends with it, under the same lock, so that the
    /// source of connections sees starts and ends in their order.
    fn change<T>(&self, transition: impl FnOnce(&mut Current) -> T) -> T {
        let mut current = self.current();
        let was_pooled = current.state.is_pooled();
        let outcome = transition(&mut current);
        match (was_pooled, current.state.is_pooled()) {
            (false, true) => self.source.start_lifespan(),
            (true, false) => self.source.end_lifespan(),
            _ => {}
        }
        let is_open = current.state.is_open();
        // Still under the lock: a later transition can't be overwritten by this one.
        self.is_open.store(is_open, Ordering::Release);
        outcome
    }

    /// Wakes the waiting callers.
    pub(in crate::database) fn notify(&self) {
        // All of them: each waits for an event of its own, and the last one notified may not be the one concerned.
        self.changed.notify_waiters();
    }

    /// Completes on the next change after it was enabled.
    pub(in crate::database) fn changes(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Completes once no lifespan keeps the database connected.
    pub(in crate::database) async fn until_closed(&self) {
        loop {
            let mut changes = pin!(self.changes());
            changes.as_mut().enable();
            if !self.is_open() {
                return;
            }
            changes.await;
        }
    }

    /// A caller connects; `overtaken` names hooks that it has waited for long enough.
    pub(in crate::database) fn enter(
        &self,
        limit: Duration,
        overtaken: Option<AttemptId>,
    ) -> ConnectStep {
        self.change(|current| {
            let entry = match overtaken {
                Some(id) => current.state.overtake(id),
                None => current.state.enter(),
            };
            let (id, attempt) = match entry {
                Entry::Joined => return ConnectStep::Connected,
                Entry::AfterHooks(id) => {
                    // Stopped by the caller without the lock: that drops what the hooks own, which may be a lifespan.
                    return ConnectStep::WaitForHooks(id, current.hooks.clone());
                }
                Entry::Begun(id) => (id, None),
                Entry::Shared(id) => (id, current.attempt.take()),
            };
            // A caller that shares an attempt finds it, since both are set in one transition.
            let attempt = attempt.unwrap_or_else(|| Arc::new(Attempt::new(id, limit)));
            current.attempt = Some(Arc::clone(&attempt));
            ConnectStep::WaitForAttempt(attempt)
        })
    }

    /// One more lifespan of a database that a lifespan keeps connected.
    pub(in crate::database) fn join(&self) {
        self.change(|current| current.state.enter());
    }

    /// An attempt has opened its connections, and the `on_connect` hooks use them.
    pub(in crate::database) fn opened(&self, attempt: &Attempt) {
        self.change(|current| current.state.opened(attempt.id()));
    }

    /// An attempt has ended, for all callers that wait for it.
    pub(in crate::database) fn settle(&self, attempt: &Attempt, outcome: Result<()>) {
        let has_failed = outcome.is_err();
        let is_current = self.change(|current| {
            let is_current = if has_failed {
                current.state.fail(attempt.id())
            } else {
                current.state.succeed(attempt.id())
            };
            if is_current {
                // Within the transition: a caller that withdraws later finds the outcome, and so its lifespan.
                current.attempt = None;
                attempt.conclude(outcome);
            }
            is_current
        });
        if is_current {
            // Outside of the lock: stopping drops the work with its connections. A caller without a runtime may have
            // driven the attempt beside a task, which then has to end.
            attempt.stop();
            if has_failed {
                // The connections that it opened are of an ended generation now, and would stay open until used.
                self.source.reap();
            }
            self.notify();
        }
    }

    /// A caller no longer waits for an attempt.
    pub(in crate::database) fn withdraw(&self, attempt: &Attempt) -> Withdrawal {
        let withdrawal = self.change(|current| {
            let withdrawal = current.state.withdraw(attempt.id());
            if withdrawal == Withdrawal::Abandoned {
                current.attempt = None;
            }
            withdrawal
        });
        if withdrawal == Withdrawal::Abandoned {
            attempt.stop();
            self.source.reap();
        }
        withdrawal
    }

    /// A lifespan ends; `hooks` are those to run when it was the last one.
    pub(in crate::database) fn leave(&self, hooks: Option<&DisconnectHooks>) -> Leave {
        let leave = self.change(|current| {
            let leave = current.state.leave(hooks.is_some());
            if matches!(leave, Leave::Last(_)) {
                current.hooks = hooks.cloned();
            }
            leave
        });
        if matches!(leave, Leave::Last(_)) {
            self.notify();
        }
        leave
    }

    /// The `on_disconnect` hooks have ended. False when a caller that connected meanwhile uses the connections.
    pub(in crate::database) fn hooks_ended(&self, id: AttemptId) -> bool {
        // Notified also when it is not: callers wait for the hooks in any state.
        let is_current = self.change(|current| current.state.hooks_ended(id));
        self.notify();
        is_current
    }

    /// No caller waits for connections in use any more.
    pub(in crate::database) fn closed(&self, id: AttemptId) {
        self.change(|current| current.state.closed(id));
        self.notify();
    }
}
