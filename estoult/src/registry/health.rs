//! How databases fare: whether each answers, how fast, in which role, and how its connections are used.

use std::{fmt, future::Future, panic::Location, time::Duration};

use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};

use super::Registry;
use crate::{
    backend::Statement,
    database::{
        Database, Lease, PoolStatus,
        together::{Work, together},
    },
    error::{Error, ErrorKind, Result},
    row::FromRow,
};

/// How long a database may take to answer when nobody says otherwise.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How many databases are asked at the same time.
const ASKED_AT_ONCE: usize = 64;

/// How the databases of a registry fare; see [`Registry::health`].
#[derive(Debug)]
pub struct Health {
    databases: Vec<DatabaseHealth>,
}

impl Health {
    /// Each database, the default one first.
    #[must_use]
    pub fn databases(&self) -> &[DatabaseHealth] {
        &self.databases
    }

    /// Whether every database answered.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.databases.iter().all(DatabaseHealth::is_healthy)
    }
}

/// One line a database.
impl fmt::Display for Health {
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

/// How one database fares; see [`Database::health`].
#[derive(Debug)]
#[non_exhaustive]
pub struct DatabaseHealth {
    /// Its name in the registry.
    pub name: String,
    /// Its URL without password and settings.
    pub address: String,
    /// Whether lifespans keep it connected.
    pub state: DatabaseState,
    /// How long a statement took on a connection that was there; `None` when there was no answer.
    pub latency: Option<Duration>,
    /// Whether it takes writes; `None` when there was no answer.
    pub role: Option<Role>,
    /// How its connections are used.
    pub pool: PoolStatus,
    /// Why there was no answer.
    pub error: Option<Error>,
}

impl DatabaseHealth {
    /// Whether it answered.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.error.is_none()
    }
}

impl fmt::Display for DatabaseHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({}): {}", self.name, self.address, self.state)?;
        if let Some(role) = self.role {
            write!(f, ", {role}")?;
        }
        if let Some(latency) = self.latency {
            write!(f, ", answers in {latency:.1?}")?;
        }
        let pool = self.pool;
        write!(
            f,
            ", {} of {} connections open, {} in use",
            pool.open, pool.max, pool.in_use
        )?;
        if pool.waiting > 0 {
            write!(f, ", {} waiting", pool.waiting)?;
        }
        match &self.error {
            Some(error) => write!(f, "; failed: {}", error.message()),
            None => Ok(()),
        }
    }
}

/// How far a database is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatabaseState {
    /// No lifespan keeps it connected.
    Idle,
    /// A first lifespan is about to begin.
    Connecting,
    /// So many lifespans keep it connected.
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

/// What a database may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// It takes writes.
    Primary,
    /// It takes no writes: a replica that follows another server, a server or a file that is read-only.
    Replica,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Primary => "primary",
            Self::Replica => "replica",
        })
    }
}

impl Registry {
    /// Asks each database how it fares, all at once. A database that does not answer within five seconds is reported
    /// as one that failed.
    ///
    /// A connected database is asked on one of its own connections. When none is free in time, that is what is
    /// reported. One that is not connected is asked on a connection that is opened for this, without a warning.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> estoult::Result<()> {
    /// let registry = estoult::Registry::builder("sqlite::memory:").build()?;
    /// let lifespan = registry.connect().await?;
    /// let health = registry.health().await;
    /// assert!(health.is_healthy(), "{health}");
    /// lifespan.close().await
    /// # }
    /// ```
    pub async fn health(&self) -> Health {
        self.health_within(ANSWER_WITHIN).await
    }

    /// As [`health`](Self::health), with another limit for each database.
    pub async fn health_within(&self, limit: Duration) -> Health {
        let asked = self.databases().cloned().map(|database| -> Work<_> {
            Box::pin(async move { database.health_within(limit).await })
        });
        Health {
            databases: together(asked.collect(), ASKED_AT_ONCE).await,
        }
    }
}

impl Database {
    /// Asks the database how it fares; see [`Registry::health`].
    pub async fn health(&self) -> DatabaseHealth {
        self.health_within(ANSWER_WITHIN).await
    }

    /// As [`health`](Self::health), with another limit.
    pub async fn health_within(&self, limit: Duration) -> DatabaseHealth {
        let answer = answer(self, Limit::new(limit)).await;
        let (latency, role, error) = match answer {
            Ok((latency, role)) => (Some(latency), Some(role), None),
            Err(error) => (None, None, Some(error)),
        };
        DatabaseHealth {
            name: self.name().to_owned(),
            address: self.address().to_owned(),
            state: self.state(),
            latency,
            role,
            pool: self.status(),
            error,
        }
    }
}

/// How long a check may take as a whole.
#[derive(Clone, Copy)]
struct Limit {
    length: Duration,
    end: Instant,
}

impl Limit {
    fn new(length: Duration) -> Self {
        Self {
            length,
            end: Instant::now() + length,
        }
    }

    /// The outcome, or what is said when it does not come in time.
    async fn keep<T>(
        self,
        work: impl Future<Output = Result<T>>,
        late: impl FnOnce() -> String,
    ) -> Result<T> {
        if Handle::try_current().is_err() {
            // Without a runtime there is no clock, and nothing that would have to be waited for.
            return work.await;
        }
        match timeout_at(self.end, work).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::new(ErrorKind::Timeout, late())),
        }
    }
}

/// How long a statement takes, and in which role the database is.
async fn answer(database: &Database, limit: Limit) -> Result<(Duration, Role)> {
    let unserved = || unserved(database, limit.length);
    let mut lease = limit.keep(lease(database), unserved).await?;
    let silent = || {
        format!(
            "ask how it fares: no answer within {:?}; see whether it is slow or stands still",
            limit.length
        )
    };
    limit.keep(ask(&mut lease), silent).await
}

async fn lease(database: &Database) -> Result<Lease> {
    let source = database.source();
    if database.is_connected() {
        source.acquire(Location::caller()).await
    } else {
        source.acquire_once(Location::caller()).await
    }
}

/// Why there was no connection to ask on.
fn unserved(database: &Database, limit: Duration) -> String {
    let status = database.status();
    if database.is_connected() && status.in_use >= status.max {
        format!(
            "get a connection: none was free within {limit:?}: {} of {} are in use; give connections back \
             earlier, or raise max_connections",
            status.in_use, status.max
        )
    } else {
        format!(
            "get a connection: none could be opened within {limit:?}; see whether it stands still"
        )
    }
}

async fn ask(lease: &mut Lease) -> Result<(Duration, Role)> {
    let begun = Instant::now();
    lease.control("select 1").await?;
    let latency = begun.elapsed();
    let question = Statement::plain(lease.features().is_read_only);
    let rows: Vec<(i64,)> = lease.rows(question, FromRow::from_row, "").await?;
    let takes_no_writes = lease.is_read_only() || rows.contains(&(1,));
    let role = if takes_no_writes {
        Role::Replica
    } else {
        Role::Primary
    };
    Ok((latency, role))
}
