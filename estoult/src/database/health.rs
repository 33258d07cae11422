//! Health checks of one database: whether it answers, how fast, in which role, and how its connections are used.
//!
//! Invariant: a check never warns about a database that is not connected, and takes at most its limit.

use std::{
    fmt,
    future::Future,
    time::{Duration, Instant},
};

use crate::{
    backend::Statement,
    connection::Connection,
    database::{Database, state::DatabaseState},
    error::{Error, ErrorKind, Result},
    observe::Caller,
    pool::PoolStatus,
    row::FromRow,
    runtime::{end_after, within},
};

/// How long a database may take to answer by default.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The health of one database; see [`Database::health`].
#[derive(Debug)]
#[non_exhaustive]
pub struct DatabaseHealth {
    /// Its name in the registry.
    pub name: String,
    /// Its URL without password and settings.
    pub address: String,
    /// Whether lifespans keep it connected.
    pub state: DatabaseState,
    /// How long a statement took on an open connection; `None` when there was no answer.
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

impl Database {
    /// Checks whether the database answers; see [`Registry::health`](crate::Registry::health).
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
            end: end_after(length),
        }
    }

    /// The outcome, or the message `late` when it does not come in time.
    async fn run<T>(
        self,
        work: impl Future<Output = Result<T>>,
        late: impl FnOnce() -> String,
    ) -> Result<T> {
        let left = self.end.saturating_duration_since(Instant::now());
        match within(left, work).await {
            Some(outcome) => outcome,
            None => Err(Error::new(ErrorKind::Timeout, late())),
        }
    }
}

/// How long a statement takes, and in which role the database is.
async fn answer(database: &Database, limit: Limit) -> Result<(Duration, Role)> {
    let no_connection = || no_connection(database, limit.length);
    let mut connection = limit.run(acquire(database), no_connection).await?;
    let no_answer = || {
        format!(
            "check its health: no answer within {:?}; see whether it is slow or hangs",
            limit.length
        )
    };
    limit.run(measure(&mut connection), no_answer).await
}

async fn acquire(database: &Database) -> Result<Connection> {
    let (source, caller) = (database.source(), Caller::estoult(database.observers()));
    let connection = if database.is_connected() {
        source.acquire(caller).await?
    } else {
        source.acquire_once(caller).await?
    };
    database.prepared(connection).await
}

/// Why there was no connection for the check.
fn no_connection(database: &Database, limit: Duration) -> String {
    let status = database.status();
    if database.is_connected() && status.in_use >= status.max {
        format!(
            "get a connection: none was free within {limit:?}: {} of {} are in use; release connections \
             earlier, or raise max_connections",
            status.in_use, status.max
        )
    } else {
        format!("get a connection: none could be opened within {limit:?}; see whether it hangs")
    }
}

async fn measure(connection: &mut Connection) -> Result<(Duration, Role)> {
    let begun = Instant::now();
    // A statement that reads nothing: its time is that of the connection and the server, not of the data.
    connection.control("select 1").await?;
    let latency = begun.elapsed();
    let statement = Statement::plain(connection.features().is_read_only);
    let rows: Vec<(i64,)> = connection.rows(statement, FromRow::from_row, "").await?;
    let takes_no_writes = connection.is_read_only() || rows.contains(&(1,));
    let role = if takes_no_writes {
        Role::Replica
    } else {
        Role::Primary
    };
    Ok((latency, role))
}
