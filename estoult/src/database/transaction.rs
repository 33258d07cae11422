//! Transactions: begun, nested as savepoints, committed, and rolled back on error, panic and drop.

use std::{
    fmt,
    panic::Location,
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::sync::{Mutex, MutexGuard};

use crate::{
    backend::{Features, IsolationStyle},
    database::{Database, lease::Lease},
    error::{Conflict, Error, ErrorKind, Result},
};

/// How far a transaction is kept apart from those that run beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isolation {
    /// Each statement sees what was committed before it.
    ReadCommitted,
    /// All statements see what was committed before the first one.
    RepeatableRead,
    /// As if the transactions ran one after the other.
    Serializable,
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadCommitted => "read committed",
            Self::RepeatableRead => "repeatable read",
            Self::Serializable => "serializable",
        })
    }
}

/// The settings of a transaction.
#[derive(Debug, Clone, Default)]
pub(crate) struct TransactionOptions {
    isolation: Option<Isolation>,
    is_read_only: bool,
    retries: u32,
    is_of_registry: bool,
    /// Whether the session refuses writes by itself.
    is_session_read_only: bool,
}

impl TransactionOptions {
    /// The statement that begins it.
    pub(crate) fn begin_statement(&self, features: &Features) -> Result<String> {
        let begin = features.begin_write;
        let access = if self.is_read_only { " read only" } else { "" };
        Ok(match (features.isolation, self.isolation) {
            (IsolationStyle::InBegin, Some(level)) => {
                format!("{begin} isolation level {level}{access}")
            }
            (IsolationStyle::BeforeBegin, Some(level)) => {
                format!("set transaction isolation level {level}; {begin}{access}")
            }
            // Not the statement that begins a write, which a read-only session refuses.
            (IsolationStyle::AlwaysSerializable, _) if self.is_session_read_only => {
                "begin".to_owned()
            }
            (IsolationStyle::AlwaysSerializable, _) if self.is_read_only => {
                "begin; pragma query_only = on".to_owned()
            }
            (IsolationStyle::AlwaysSerializable, _) => begin.to_owned(),
            (_, None) => format!("{begin}{access}"),
        })
    }

    /// What has to be undone on the session when it ends.
    fn end_suffix(&self, features: &Features) -> &'static str {
        let is_pragma = features.isolation == IsolationStyle::AlwaysSerializable;
        if self.is_read_only && is_pragma && !self.is_session_read_only {
            "; pragma query_only = off"
        } else {
            ""
        }
    }
}

/// An open transaction. Statements run on `&Transaction`; dropping it rolls back.
pub struct Transaction {
    shared: Arc<Shared>,
    /// 1 for the transaction itself, more for savepoints within it.
    depth: usize,
    /// Tells it apart from others of the same depth.
    id: u64,
}

struct Shared {
    database: Database,
    /// Whether it was begun on the registry, as one of the default database.
    is_of_registry: bool,
    lease: Mutex<Lease>,
    nesting: std::sync::Mutex<Nesting>,
    end_suffix: &'static str,
}

/// Which transactions are open, from the outermost to the innermost.
#[derive(Default)]
struct Nesting {
    open: Vec<u64>,
    last_id: u64,
    /// The depth of a savepoint that was dropped and is still to be rolled back.
    dropped: Option<usize>,
}

impl Nesting {
    fn add(&mut self) -> u64 {
        self.last_id += 1;
        self.open.push(self.last_id);
        self.last_id
    }

    /// Ends a transaction with all that is nested in it; whether it was open.
    fn end(&mut self, id: u64) -> bool {
        let place = self.open.iter().position(|open| *open == id);
        if let Some(place) = place {
            self.open.truncate(place);
        }
        place.is_some()
    }
}

impl Shared {
    fn nesting(&self) -> std::sync::MutexGuard<'_, Nesting> {
        self.nesting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("depth", &self.depth)
            .finish_non_exhaustive()
    }
}

impl Transaction {
    pub(crate) async fn begin(
        mut lease: Lease,
        database: Database,
        settings: &TransactionOptions,
    ) -> Result<Self> {
        let features = lease.features();
        let settings = TransactionOptions {
            is_session_read_only: database.is_read_only(),
            ..settings.clone()
        };
        let statement = settings.begin_statement(features)?;
        lease.begin(&statement).await?;
        let mut nesting = Nesting::default();
        let id = nesting.add();
        let shared = Shared {
            database,
            is_of_registry: settings.is_of_registry,
            lease: Mutex::new(lease),
            nesting: std::sync::Mutex::new(nesting),
            end_suffix: settings.end_suffix(features),
        };
        Ok(Self {
            shared: Arc::new(shared),
            depth: 1,
            id,
        })
    }

    /// The database that it runs in.
    pub(crate) fn database(&self) -> &Database {
        &self.shared.database
    }

    /// Whether it was begun on the registry, as one of the default database.
    pub(crate) fn is_of_registry(&self) -> bool {
        self.shared.is_of_registry
    }

    /// The connection, with savepoints that were dropped rolled back first.
    pub(crate) async fn lease(&self) -> Result<MutexGuard<'_, Lease>> {
        let mut lease = self.shared.lease.lock().await;
        let dropped = self.shared.nesting().dropped;
        if let Some(depth) = dropped {
            lease.roll_back_to(&roll_back_to(depth)).await?;
            self.shared.nesting().dropped = None;
        }
        let nesting = self.shared.nesting();
        if nesting.open.last() == Some(&self.id) {
            drop(nesting);
            return Ok(lease);
        }
        Err(Error::configuration(if nesting.open.contains(&self.id) {
            "use a transaction: a nested transaction of it is still open; use that one, or end it first"
        } else {
            "use a nested transaction: the one around it has ended, and so has this one"
        }))
    }

    /// Commits; of a nested transaction, makes it part of the one around it.
    ///
    /// # Errors
    ///
    /// `Conflict` when the transactions beside it forbid it; `Connection` when the connection was lost, and then it is
    /// not known whether the commit took place.
    pub async fn commit(self) -> Result<()> {
        let (depth, end_suffix) = (self.depth, self.shared.end_suffix);
        let mut lease = self.lease().await?;
        match depth {
            1 => lease.commit(&format!("commit{end_suffix}")).await?,
            depth => {
                let name = savepoint(depth);
                lease.control(&format!("release savepoint {name}")).await?;
            }
        }
        self.shared.nesting().end(self.id);
        Ok(())
    }

    /// Rolls back; of a nested transaction, to where it began.
    ///
    /// # Errors
    ///
    /// `Connection` when the connection was lost; the database then rolls back by itself.
    pub async fn rollback(self) -> Result<()> {
        let (depth, end_suffix) = (self.depth, self.shared.end_suffix);
        let mut lease = self.lease().await?;
        match depth {
            1 => lease.roll_back(&format!("rollback{end_suffix}")).await?,
            depth => lease.roll_back_to(&roll_back_to(depth)).await?,
        }
        self.shared.nesting().end(self.id);
        Ok(())
    }

    /// Begins a nested transaction: a savepoint. Until it ends, statements run on it and not on this one.
    ///
    /// # Errors
    ///
    /// `Connection` when the connection was lost; `Configuration` when another nested transaction is open.
    pub async fn savepoint(&self) -> Result<Self> {
        let depth = self.depth + 1;
        let mut lease = self.lease().await?;
        // Counted before it is sent: a future dropped half way leaves a savepoint that is rolled back.
        let id = self.shared.nesting().add();
        let nested = Self {
            shared: Arc::clone(&self.shared),
            depth,
            id,
        };
        let begun = lease
            .control(&format!("savepoint {}", savepoint(depth)))
            .await;
        if begun.is_err() {
            // The database refused it, so there is none to roll back to.
            self.shared.nesting().end(id);
        }
        begun.map(|()| nested)
    }

    /// Runs work in a nested transaction: committed when it returns `Ok`, else rolled back to where it began.
    ///
    /// # Errors
    ///
    /// The work's own, and those of [`savepoint`](Self::savepoint) and [`commit`](Self::commit).
    pub async fn transaction<T>(&self, work: impl AsyncFnOnce(&Self) -> Result<T>) -> Result<T> {
        let nested = self.savepoint().await?;
        let outcome = work(&nested).await;
        conclude(nested, outcome).await
    }
}

/// Commits when the work succeeded, else rolls back; gives what the work gave.
pub(crate) async fn conclude<T>(transaction: Transaction, outcome: Result<T>) -> Result<T> {
    match outcome {
        Ok(value) => transaction.commit().await.map(|()| value),
        Err(error) => {
            // The work's error tells more than that of a rollback on a connection that is lost.
            let _ = transaction.rollback().await;
            Err(error)
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let mut nesting = self.shared.nesting();
        // The outermost one rolls back by itself when its lease is dropped inside of a transaction.
        if nesting.end(self.id) && self.depth > 1 {
            // An outer savepoint takes the inner ones with it, whichever is dropped first.
            let depth = nesting
                .dropped
                .map_or(self.depth, |depth| depth.min(self.depth));
            nesting.dropped = Some(depth);
        }
    }
}

fn savepoint(depth: usize) -> String {
    format!("estoult_{depth}")
}

fn roll_back_to(depth: usize) -> String {
    let name = savepoint(depth);
    format!("rollback to savepoint {name}; release savepoint {name}")
}

impl Database {
    /// Begins a transaction that the caller ends; dropping it rolls back.
    ///
    /// # Errors
    ///
    /// `Connection` and `Timeout` when there is no connection; `Conflict` when a lock is not free in time.
    #[track_caller]
    pub fn begin(&self) -> impl Future<Output = Result<Transaction>> + Send + '_ {
        let origin = Location::caller();
        async move { begin(self, &TransactionOptions::default(), origin).await }
    }

    /// Runs work in a transaction: committed when it returns `Ok`, rolled back on error, panic and drop.
    ///
    /// ```no_run
    /// # use estoult::{Database, Result, sql};
    /// # async fn example(database: &Database) -> Result<()> {
    /// database
    ///     .transaction(async |tx| {
    ///         sql("update accounts set balance = balance - 10 where id = 1").execute(tx).await?;
    ///         sql("update accounts set balance = balance + 10 where id = 2").execute(tx).await
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The work's own; `Connection` and `Timeout` when there is no connection; `Conflict` when the transactions beside
    /// it forbid the commit.
    #[track_caller]
    pub fn transaction<T>(
        &self,
        work: impl AsyncFnOnce(&Transaction) -> Result<T>,
    ) -> impl Future<Output = Result<T>> {
        let origin = Location::caller();
        async move {
            let transaction = begin(self, &TransactionOptions::default(), origin).await?;
            let outcome = work(&transaction).await;
            conclude(transaction, outcome).await
        }
    }

    /// A transaction with settings: isolation, read only, retries.
    #[must_use]
    pub fn transaction_with(&self) -> TransactionBuilder<'_> {
        TransactionBuilder {
            database: self,
            options: TransactionOptions::default(),
        }
    }
}

/// Runs work in a transaction that is begun on a registry, as one of its default database.
#[track_caller]
pub(crate) fn transaction_of_registry<T>(
    database: Database,
    work: impl AsyncFnOnce(&Transaction) -> Result<T>,
) -> impl Future<Output = Result<T>> {
    let origin = Location::caller();
    async move {
        let options = TransactionOptions {
            is_of_registry: true,
            ..TransactionOptions::default()
        };
        let transaction = begin(&database, &options, origin).await?;
        let outcome = work(&transaction).await;
        conclude(transaction, outcome).await
    }
}

async fn begin(
    database: &Database,
    options: &TransactionOptions,
    origin: &'static Location<'static>,
) -> Result<Transaction> {
    let lease = database
        .lease(origin)
        .await
        .map_err(|error| error.at(origin))?;
    Transaction::begin(lease, database.clone(), options)
        .await
        .map_err(|error| error.at(origin))
}

/// A transaction that is still to begin, with its settings.
#[derive(Debug, Clone)]
pub struct TransactionBuilder<'d> {
    database: &'d Database,
    options: TransactionOptions,
}

impl TransactionBuilder<'_> {
    /// The level of isolation; the database's own when not said. A database that has only a stronger one uses that.
    #[must_use]
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.options.isolation = Some(isolation);
        self
    }

    /// Lets the database refuse writes.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.options.is_read_only = true;
        self
    }

    /// Runs the whole work again, so many times at most, when somebody else was faster: a serialization failure, a
    /// deadlock, a lock that was not free in time. Between tries it waits, longer each time.
    #[must_use]
    pub fn retries(mut self, times: u32) -> Self {
        self.options.retries = times;
        self
    }

    /// Begins it; the caller ends it. Retries don't apply: only [`run`](Self::run) can repeat the work.
    ///
    /// # Errors
    ///
    /// As for [`Database::begin`].
    #[track_caller]
    pub fn begin(&self) -> impl Future<Output = Result<Transaction>> + Send + '_ {
        let origin = Location::caller();
        async move { begin(self.database, &self.options, origin).await }
    }

    /// Runs work in the transaction, as [`Database::transaction`] does, with its retries. Each try runs a clone of the
    /// closure: what it borrows is shared by all tries, what it moved in is cloned for each.
    ///
    /// # Errors
    ///
    /// As for [`Database::transaction`]; `Conflict` when the last try failed with one, and the message says how often
    /// it was tried.
    #[track_caller]
    pub fn run<T>(
        &self,
        work: impl AsyncFnOnce(&Transaction) -> Result<T> + Clone,
    ) -> impl Future<Output = Result<T>> {
        let origin = Location::caller();
        async move {
            let mut tries = 0;
            loop {
                tries += 1;
                let outcome = match begin(self.database, &self.options, origin).await {
                    Ok(transaction) => {
                        let outcome = work.clone()(&transaction).await;
                        conclude(transaction, outcome).await
                    }
                    Err(error) => Err(error),
                };
                match outcome {
                    Err(error) if may_retry(&error) && tries <= self.options.retries => {
                        tracing::debug!(tries, %error, "a transaction is tried again");
                        tokio::time::sleep(pause(tries)).await;
                    }
                    Err(error) if may_retry(&error) && tries > 1 => {
                        return Err(
                            error.context(&format!("run a transaction, tried {tries} times"))
                        );
                    }
                    outcome => return outcome,
                }
            }
        }
    }
}

/// A row that changed since it was read stays changed: trying again needs a fresh read, which only the caller can do.
fn may_retry(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Conflict(Conflict::Serialization | Conflict::Deadlock | Conflict::Busy)
    )
}

/// 10 ms doubled each time up to about a second, and somewhat more or less so that rivals don't meet again.
fn pause(tries: u32) -> Duration {
    let base = 10_u64 << tries.min(7);
    let spread = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| u64::from(since.subsec_nanos()) % base);
    Duration::from_millis(base / 2 + spread / 2)
}
