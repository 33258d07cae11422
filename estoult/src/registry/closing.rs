//! The end of a lifespan: what runs on disconnect, the connections that are waited for, and the report.

use std::{
    fmt,
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, time::timeout};

use super::{
    DatabaseState,
    lives::{Ending, Left},
};
use crate::{
    database::{
        Database, Drained,
        together::{Work, together},
    },
    error::{Error, ErrorKind, Result},
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

    /// Whether nobody holds a connection any more that was to be closed, and all that runs on disconnect succeeded.
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
            let drained = Drained {
                closed: database.connections_closed,
                held_by: database.held_by,
            };
            let outcome = drained.complete(&database.address, within);
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
    /// Who still holds a connection, a text each: place, age, whether in a transaction. They are closed when they come
    /// back.
    pub held_by: Vec<String>,
    /// Why what runs on disconnect failed.
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

    /// Whether nobody holds a connection that was to be closed, and what runs on disconnect succeeded.
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
            1 => f.write_str("goes on, kept connected by another lifespan")?,
            others => write!(f, "goes on, kept connected by {others} other lifespans")?,
        }
        if self.is_disconnected() {
            write!(f, " in {:.1?}", self.waited)?;
        }
        if !self.held_by.is_empty() {
            write!(
                f,
                "; still in use, held by {}, and closed when they come back",
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

/// Ends the parts of a lifespan, all at once.
pub(super) async fn close(left: Vec<(Database, Left)>, begun: Instant, within: Duration) -> Closed {
    let at_once = left.len();
    let works = left.into_iter().map(|(database, left)| -> Work<_> {
        Box::pin(async move {
            let mut closed = DatabaseClosed::new(&database);
            match left {
                Left::Others(lifespans) => closed.other_lifespans = lifespans,
                Left::Last(ending) => ending.run(&mut closed).await,
            }
            closed.waited = begun.elapsed();
            closed
        })
    });
    Closed {
        databases: together(works.collect(), at_once).await,
        within,
    }
}

impl Ending {
    /// Runs what runs on disconnect, then closes the connections.
    async fn run(mut self, closed: &mut DatabaseClosed) {
        closed.error = self.say_farewell().await.err();
        self.has_parted();
        if self.part() {
            let left = self.deadline().saturating_duration_since(Instant::now());
            let drained = self.database().source().drain(left).await;
            closed.connections_closed += drained.closed;
            closed.held_by = drained.held_by;
        } else if let DatabaseState::Connected(lifespans) = self.database().state() {
            closed.other_lifespans = lifespans;
        }
        self.finish();
    }

    /// Runs what runs on disconnect.
    async fn say_farewell(&self) -> Result<()> {
        let Some(farewell) = self.farewell() else {
            return Ok(());
        };
        let left = self.deadline().saturating_duration_since(Instant::now());
        let ran = if Handle::try_current().is_ok() {
            timeout(left, farewell.run()).await
        } else {
            // Without a runtime there is no clock.
            Ok(farewell.run().await)
        };
        let reason = match ran {
            Ok(Some(outcome)) => return outcome,
            Ok(None) => "the runtime stood still, and somebody connected again".to_owned(),
            Err(_) => format!("not done within {left:.1?}"),
        };
        Err(Error::new(
            ErrorKind::Timeout,
            format!("run its `on_disconnect` hook: {reason}, so it was ended"),
        ))
    }

    /// Disconnects the database of a lifespan that was dropped: at once what nobody uses, the rest when it comes back.
    pub(super) fn in_background(self) {
        let database = self.database().clone();
        let mut closed = DatabaseClosed::new(&database);
        let has_farewell = self.farewell().is_some();
        if !has_farewell && self.part() {
            closed.connections_closed = database.source().sweep();
        }
        let held_by = database.source().held_by();
        say(&database, closed.connections_closed, &held_by);
        if let Ok(runtime) = Handle::try_current()
            && (has_farewell || !held_by.is_empty())
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

/// Says that the last lifespan of a database was dropped, not closed.
fn say(database: &Database, closed: usize, held_by: &[String]) {
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
        "the last lifespan of a database was dropped while its connections are in use: they are closed when they come \
         back; call `close().await` to wait for them"
    );
}
