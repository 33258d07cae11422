//! [`LifespanGuard`]: one lifespan's share in keeping a database connected, and [`Shutdown`], the work that the last
//! one leaves.
//!
//! A shutdown runs the hooks, stops pooling, closes connections and makes the database idle, in this order. Dropped at
//! any step, it does the rest at once as far as that takes no time.

use std::time::{Duration, Instant};

use crate::{
    database::{
        Database,
        state::{AttemptId, DisconnectHooks, Leave},
    },
    runtime::BoxFuture,
};

/// How long closing waits for connections in use by default.
pub(super) const CLOSE_WITHIN: Duration = Duration::from_secs(10);

/// One lifespan's share in keeping a database connected. Dropping it gives up the share in the background.
pub(super) struct LifespanGuard {
    database: Database,
    has_left: bool,
}

impl LifespanGuard {
    /// The share that a successful attempt gave to a caller that waited for it. The state has counted it already.
    pub(super) fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            has_left: false,
        }
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// Another share beside this one.
    pub(super) fn share(&self) -> Self {
        // This share keeps the database connected, so the state counts the other one without an attempt.
        self.database.lifespans().join();
        Self::new(&self.database)
    }

    /// Gives it up. When it was the last one, disconnecting has time until the deadline.
    pub(super) fn leave(mut self, deadline: Instant) -> Remaining {
        self.has_left = true;
        self.give_up(deadline)
    }

    fn give_up(&self, deadline: Instant) -> Remaining {
        let hooks = hooks(&self.database, deadline);
        // The hooks are made before it is known that this is the last share: making them runs none of their code.
        match self.database.lifespans().leave(hooks.as_ref()) {
            Leave::Others(lifespans) => Remaining::Lifespans(lifespans),
            Leave::Last(id) => Remaining::None(Shutdown {
                database: self.database.clone(),
                id,
                deadline,
                hooks,
                is_over: false,
            }),
        }
    }
}

impl Drop for LifespanGuard {
    fn drop(&mut self) {
        if !self.has_left
            && let Remaining::None(shutdown) = self.give_up(Instant::now() + CLOSE_WITHIN)
        {
            shutdown.in_background();
        }
    }
}

/// The `on_disconnect` hooks of a database, ready to run; `None` when it has none.
fn hooks(database: &Database, deadline: Instant) -> Option<DisconnectHooks> {
    database.hooks().has_on_disconnect().then(|| {
        let database = database.clone();
        let work: BoxFuture<'static, _> =
            Box::pin(async move { database.hooks().run_on_disconnect(&database).await });
        DisconnectHooks::new(work, deadline)
    })
}

/// What keeps a database connected after a lifespan has ended.
pub(super) enum Remaining {
    /// This many other lifespans.
    Lifespans(usize),
    /// None: the database must be disconnected.
    None(Shutdown),
}

/// A database that must be disconnected. Dropping it does the steps that are left without waiting.
pub(super) struct Shutdown {
    database: Database,
    id: AttemptId,
    deadline: Instant,
    /// The `on_disconnect` hooks, until they have run.
    hooks: Option<DisconnectHooks>,
    is_over: bool,
}

impl Shutdown {
    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The `on_disconnect` hooks, until they have run.
    pub(super) fn hooks(&self) -> Option<&DisconnectHooks> {
        self.hooks.as_ref()
    }

    /// Ends the hooks, which have run or are late.
    pub(super) fn end_hooks(&mut self) {
        if let Some(hooks) = self.hooks.take() {
            hooks.stop();
        }
    }

    /// From now on released connections are closed. False when a caller has connected again meanwhile and uses them.
    pub(super) fn stop_pooling(&self) -> bool {
        self.database.lifespans().hooks_ended(self.id)
    }

    /// Makes the database idle: no caller waits for connections in use any more.
    pub(super) fn finish(mut self) {
        self.close();
    }

    fn close(&mut self) {
        self.is_over = true;
        self.database.lifespans().closed(self.id);
    }
}

impl Drop for Shutdown {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        // A future that closes was dropped, or the last share was dropped outside of any runtime.
        if self.hooks.is_some() {
            tracing::warn!(
                database = %self.database,
                "a database was disconnected before its `on_disconnect` hook finished: the lifespan was dropped \
                 where no tokio runtime runs on; call `close().await` and wait for it"
            );
        }
        self.end_hooks();
        // Connections of a caller that connected meanwhile are not reaped; those in use are closed on release.
        let is_current = self.stop_pooling();
        self.close();
        if is_current {
            self.database.source().reap();
        }
    }
}
