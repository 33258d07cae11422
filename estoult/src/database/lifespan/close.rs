//! The end of a lifespan: its `on_disconnect` hooks, the wait for connections in use, and the report.

use std::{
    fmt,
    time::{Duration, Instant},
};

use tokio::runtime::Handle;

use super::guard::{Remaining, Shutdown};
use crate::{
    database::{Database, state::DatabaseState},
    error::{Error, ErrorKind, Result},
    pool::ClosedConnections,
    runtime::{BoxFuture, join_bounded, within},
};

/// What ending a lifespan did; see [`Lifespan::close_within`](crate::Lifespan::close_within).
#[derive(Debug)]
pub struct Closed {
    databases: Vec<DatabaseClosed>,
    within: Duration,
}

impl Closed {
    /// Each database of the lifespan.
    #[must_use]
    pub fn databases(&self) -> &[DatabaseClosed] {
        &self.databases
    }

    /// Whether every connection was closed, and all `on_disconnect` hooks succeeded.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.databases.iter().all(DatabaseClosed::is_complete)
    }

    /// Every failure by the name of its database.
    pub(super) fn into_failures(self) -> Vec<(String, Error)> {
        let within = self.within;
        let mut failures = Vec::new();
        for database in self.databases {
            let name = format!("`{}` ({})", database.name, database.address);
            let connections = ClosedConnections {
                closed: database.connections_closed,
                held_by: database.held_by,
            };
            let outcome = connections.complete(&database.address, within);
            let errors = [database.error, outcome.err()];
            failures.extend(
                errors
                    .into_iter()
                    .flatten()
                    .map(|error| (name.clone(), error)),
            );
        }
        failures
    }
}

/// One line a database.
impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, database) in self.databases.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            database.fmt(f)?;
        }
        Ok(())
    }
}

/// What ending a lifespan did to one database.
#[derive(Debug)]
#[non_exhaustive]
pub struct DatabaseClosed {
    /// Its name in the registry.
    pub name: String,
    /// Its URL without password and settings.
    pub address: String,
    /// How many other lifespans keep it connected; with none it is disconnected.
    pub other_lifespans: usize,
    /// How many connections were closed.
    pub connections_closed: usize,
    /// How long that took.
    pub waited: Duration,
    /// The borrowers of connections still in use, one text each: place, age, whether in a transaction. They are closed
    /// on release.
    pub held_by: Vec<String>,
    /// Why an `on_disconnect` hook failed.
    pub error: Option<Error>,
}

impl DatabaseClosed {
    fn new(database: &Database) -> Self {
        Self {
            name: database.name().to_owned(),
            address: database.address().to_owned(),
            other_lifespans: 0,
            connections_closed: 0,
            waited: Duration::ZERO,
            held_by: Vec::new(),
            error: None,
        }
    }

    /// Whether no lifespan keeps it connected any more.
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        self.other_lifespans == 0
    }

    /// Whether every connection was closed, and the `on_disconnect` hooks succeeded.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.held_by.is_empty() && self.error.is_none()
    }
}

impl fmt::Display for DatabaseClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({}): ", self.name, self.address)?;
        match self.other_lifespans {
            0 => write!(
                f,
                "disconnected, {} closed",
                connections(self.connections_closed)
            )?,
            1 => f.write_str("stays connected through another lifespan")?,
            others => write!(f, "stays connected through {others} other lifespans")?,
        }
        if self.is_disconnected() {
            write!(f, " in {:.1?}", self.waited)?;
        }
        if !self.held_by.is_empty() {
            write!(
                f,
                "; still in use, held by {}, and closed on release",
                self.held_by.join("; ")
            )?;
        }
        match &self.error {
            Some(error) => write!(f, "; failed: {}", error.message()),
            None => Ok(()),
        }
    }
}

fn connections(count: usize) -> String {
    match count {
        1 => "1 connection".to_owned(),
        count => format!("{count} connections"),
    }
}

/// Disconnects the databases that the lifespan was the last one of, all at the same time.
pub(super) async fn close(
    remaining: Vec<(Database, Remaining)>,
    begun: Instant,
    within: Duration,
) -> Closed {
    let at_once = remaining.len();
    let works = remaining
        .into_iter()
        .map(|(database, left)| -> BoxFuture<'_, _> {
            Box::pin(async move {
                let mut closed = DatabaseClosed::new(&database);
                match left {
                    Remaining::Lifespans(lifespans) => closed.other_lifespans = lifespans,
                    Remaining::None(shutdown) => shutdown.run(&mut closed).await,
                }
                closed.waited = begun.elapsed();
                closed
            })
        });
    Closed {
        databases: join_bounded(works.collect(), at_once).await,
        within,
    }
}

impl Shutdown {
    /// Runs the hooks, then closes the connections.
    async fn run(mut self, closed: &mut DatabaseClosed) {
        closed.error = self.run_hooks().await.err();
        // Hooks that are late still own connections, so they are dropped before connections are waited for.
        self.end_hooks();
        if self.stop_pooling() {
            let left = self.deadline().saturating_duration_since(Instant::now());
            let connections = self.database().source().close_ended(left).await;
            closed.connections_closed += connections.closed;
            closed.held_by = connections.held_by;
        // A caller did not wait for the hooks and has connected again: the connections are its own now.
        } else if let DatabaseState::Connected(lifespans) = self.database().state() {
            closed.other_lifespans = lifespans;
        }
        self.finish();
    }

    async fn run_hooks(&self) -> Result<()> {
        let Some(hooks) = self.hooks() else {
            return Ok(());
        };
        // The time is that of the whole shutdown; what the hooks leave of it is for connections in use.
        let left = self.deadline().saturating_duration_since(Instant::now());
        let reason = match within(left, hooks.run()).await {
            Some(Some(outcome)) => return outcome,
            // The future was taken away by a caller that connects again; see `DisconnectHooks::stop_if_late`.
            Some(None) => "its runtime was blocked, and a caller connected again".to_owned(),
            None => format!("not done within {left:.1?}"),
        };
        Err(Error::new(
            ErrorKind::Timeout,
            format!("run its `on_disconnect` hook: {reason}, so it was ended"),
        ))
    }

    /// Disconnects the database of a lifespan that was dropped: closes idle connections at once, the others on release.
    pub(super) fn in_background(self) {
        let database = self.database().clone();
        let mut closed = DatabaseClosed::new(&database);
        let has_hooks = self.hooks().is_some();
        // With hooks, connections must stay open until those have run in the task below.
        if !has_hooks && self.stop_pooling() {
            closed.connections_closed = database.source().reap();
        }
        let held_by = database.source().held_by();
        report(&database, closed.connections_closed, &held_by);
        // Without a runtime, or with nothing to wait for, dropping `self` does what is left.
        if let Ok(runtime) = Handle::try_current()
            && (has_hooks || !held_by.is_empty())
        {
            let begun = Instant::now();
            runtime.spawn(async move {
                self.run(&mut closed).await;
                closed.waited = begun.elapsed();
                if !closed.is_complete() {
                    tracing::warn!(%closed, "a database was disconnected in the background");
                }
            });
        }
    }
}

/// Reports that the last lifespan of a database was dropped, not closed.
fn report(database: &Database, closed: usize, held_by: &[String]) {
    if !held_by.is_empty() {
        return warn(database, held_by);
    }
    tracing::debug!(
        %database,
        connections = database.status().open + closed,
        "the last lifespan of a database was dropped: its connections are closed in the background"
    );
}

fn warn(database: &Database, held_by: &[String]) {
    tracing::warn!(
        %database,
        in_use = held_by.len(),
        held_by = %held_by.join("; "),
        "the last lifespan of a database was dropped while its connections are in use: they are closed on \
         release; call `close().await` to wait for them"
    );
}
