//! Transactions: begun, nested as savepoints, committed, and rolled back on error, panic and drop.
//!
//! A nested transaction that is dropped can't send its rollback, since dropping must not wait: its depth is noted, and
//! the next use of the connection rolls back to it first. Lock order: the connection, then the nesting, which is never
//! locked across an await.

use std::{
    fmt,
    future::Future,
    panic::Location,
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::sync::{Mutex, MutexGuard};

use crate::{
    backend::Features,
    connection::{Connection, Isolation, TransactionOptions},
    database::Database,
    error::{Conflict, Error, ErrorKind, Result},
    runtime,
};

/// How often a transaction is begun at most when connections turn out to be lost.
const MOST_BEGINS: u32 = 4;

/// An open transaction. Statements run on `&Transaction`; dropping it rolls back.
pub struct Transaction {
    shared: Arc<SharedTransaction>,
    /// 1 for the transaction itself, more for savepoints within it.
    depth: usize,
    /// Its identity among those of the same depth.
    id: u64,
}

struct SharedTransaction {
    database: Database,
    /// Whether it was begun on the registry, as one of the default database.
    is_of_registry: bool,
    connection: Mutex<Connection>,
    nesting: std::sync::Mutex<Nesting>,
    features: &'static Features,
}

/// Which transactions are open, from the outermost to the innermost.
#[derive(Default)]
struct Nesting {
    open: Vec<u64>,
    last_id: u64,
    /// The depth of the outermost savepoint that was dropped and is still to be rolled back.
    dropped: Option<usize>,
}

impl Nesting {
    fn add(&mut self) -> u64 {
        self.last_id += 1;
        self.open.push(self.last_id);
        self.last_id
    }

    /// Refuses a transaction that is not the innermost.
    fn check(&self, id: u64) -> Result<()> {
        // Statements of an outer transaction would land in the savepoint, and go away with its rollback.
        if self.open.last() == Some(&id) {
            return Ok(());
        }
        Err(Error::configuration(if self.open.contains(&id) {
            "use a transaction: a nested transaction of it is still open; use that one, or end it first"
        } else {
            "use a nested transaction: the one around it has ended, and so has this one"
        }))
    }

    /// Ends a transaction with all that is nested in it; whether it was open.
    fn end(&mut self, id: u64) -> bool {
        let index = self.open.iter().position(|open| *open == id);
        if let Some(index) = index {
            self.open.truncate(index);
        }
        index.is_some()
    }
}

impl SharedTransaction {
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
    pub(crate) async fn open(
        mut connection: Connection,
        database: Database,
        settings: &TransactionOptions,
    ) -> Result<Self> {
        let features = connection.features();
        let settings = TransactionOptions {
            is_session_read_only: database.is_read_only(),
            schema: features
                .opens_schemas
                .then(|| database.schema_here())
                .flatten(),
            ..settings.clone()
        };
        connection.begin(&settings).await?;
        let mut nesting = Nesting::default();
        let id = nesting.add();
        let shared = SharedTransaction {
            database,
            is_of_registry: settings.is_of_registry,
            connection: Mutex::new(connection),
            nesting: std::sync::Mutex::new(nesting),
            features,
        };
        Ok(Self {
            shared: Arc::new(shared),
            depth: 1,
            id,
        })
    }

    /// What its connection has and lacks.
    pub(crate) fn features(&self) -> &'static Features {
        self.shared.features
    }

    /// The database that it runs in.
    pub(crate) fn database(&self) -> &Database {
        &self.shared.database
    }

    /// Whether it was begun on the registry, as one of the default database.
    pub(crate) fn is_of_registry(&self) -> bool {
        self.shared.is_of_registry
    }

    /// The connection, after rolling back savepoints that were dropped.
    pub(crate) async fn connection(&self) -> Result<MutexGuard<'_, Connection>> {
        let mut connection = self.shared.connection.lock().await;
        let dropped = self.shared.nesting().dropped;
        if let Some(depth) = dropped {
            connection.roll_back_to(&roll_back_to(depth)).await?;
            // Only now: a rollback that fails, or whose future is dropped, must not be taken for done.
            self.shared.nesting().dropped = None;
        }
        self.shared.nesting().check(self.id)?;
        Ok(connection)
    }

    /// Commits; a nested transaction becomes part of the one around it.
    ///
    /// # Errors
    ///
    /// `Conflict` with concurrent transactions; `Connection` when the connection was lost before;
    /// [`CommitUnknown`](ErrorKind::CommitUnknown) when it was lost, or the time was over, before the
    /// database answered.
    pub async fn commit(self) -> Result<()> {
        let mut connection = self.connection().await?;
        match self.depth {
            1 => connection.commit().await?,
            depth => {
                let name = savepoint(depth);
                connection
                    .release_savepoint(&format!("release savepoint {name}"))
                    .await?;
            }
        }
        self.shared.nesting().end(self.id);
        Ok(())
    }

    /// Rolls back; a nested transaction, to its beginning.
    ///
    /// # Errors
    ///
    /// `Connection` when the connection was lost; the database then rolls back by itself.
    pub async fn rollback(self) -> Result<()> {
        if self.depth == 1 {
            // Savepoints that were dropped go away with the rest, also where they can't be rolled back to any more.
            let mut connection = self.shared.connection.lock().await;
            self.shared.nesting().check(self.id)?;
            connection.roll_back().await?;
        } else {
            let mut connection = self.connection().await?;
            connection.roll_back_to(&roll_back_to(self.depth)).await?;
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
        let mut connection = self.connection().await?;
        // Added before it is sent: a future that is dropped half way drops `nested`, which rolls the savepoint back.
        let id = self.shared.nesting().add();
        let nested = Self {
            shared: Arc::clone(&self.shared),
            depth,
            id,
        };
        let begun = connection
            .begin_savepoint(&format!("savepoint {}", savepoint(depth)))
            .await;
        if begun.is_err() {
            // The database refused it, so there is no savepoint to roll back to.
            self.shared.nesting().end(id);
        }
        begun.map(|()| nested)
    }

    /// Runs work in a nested transaction: committed when it returns `Ok`, else rolled back to its beginning.
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

/// Commits when the work succeeded, else rolls back; the result is that of the work.
pub(crate) async fn conclude<T>(transaction: Transaction, outcome: Result<T>) -> Result<T> {
    match outcome {
        Ok(value) => transaction.commit().await.map(|()| value),
        Err(error) => {
            // The work's error is the cause; a rollback fails only on a lost connection, where the server rolls back.
            let _ = transaction.rollback().await;
            Err(error)
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let mut nesting = self.shared.nesting();
        // The outermost transaction needs no note: its connection is released with it, and rolled back since it is
        // inside of one. Neither does one that was committed or rolled back, which has ended before.
        if nesting.end(self.id) && self.depth > 1 {
            // Rolling back to an outer savepoint rolls back the inner ones as well, in whatever order they are dropped.
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
    // ROLLBACK TO keeps the savepoint; released, its name is free for the next one of this depth.
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
    /// The work's own; `Connection` and `Timeout` when there is no connection; `Conflict` with concurrent transactions.
    #[track_caller]
    pub fn transaction<T>(
        &self,
        work: impl AsyncFnOnce(&Transaction) -> Result<T>,
    ) -> impl Future<Output = Result<T>> {
        let origin = Location::caller();
        async move { run_in(self, &TransactionOptions::default(), origin, work).await }
    }

    /// A transaction with settings: isolation level, read only, retries.
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
        run_in(&database, &options, origin, work).await
    }
}

/// Runs work in a transaction with these settings, once.
async fn run_in<T>(
    database: &Database,
    options: &TransactionOptions,
    origin: &'static Location<'static>,
    work: impl AsyncFnOnce(&Transaction) -> Result<T>,
) -> Result<T> {
    let transaction = begin(database, options, origin).await?;
    let outcome = work(&transaction).await;
    conclude(transaction, outcome).await
}

async fn begin(
    database: &Database,
    options: &TransactionOptions,
    origin: &'static Location<'static>,
) -> Result<Transaction> {
    let mut tries = 0;
    loop {
        tries += 1;
        let acquired = database.acquire(origin).await;
        let connection = acquired.map_err(|error| error.at(origin))?;
        // The server may have closed a connection while it was idle. Nothing has run in the transaction yet, so
        // another connection is as good; after the first loss the pool checks those that are idle.
        let may_be_stale = connection.is_used_again() && tries < MOST_BEGINS;
        match Transaction::open(connection, database.clone(), options).await {
            Err(error) if may_be_stale && matches!(error.kind(), ErrorKind::Connection) => {
                tracing::debug!(tries, %error, "a transaction is begun on another connection");
            }
            begun => return begun.map_err(|error| error.at(origin)),
        }
    }
}

/// A transaction that is still to begin, with its settings.
#[derive(Debug, Clone)]
pub struct TransactionBuilder<'d> {
    database: &'d Database,
    options: TransactionOptions,
}

impl TransactionBuilder<'_> {
    /// The isolation level; by default the database's own. A database that has only a stronger one uses that.
    #[must_use]
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.options.isolation = Some(isolation);
        self
    }

    /// Sets a variable for the transaction, which rules of row security and triggers can read with `current_setting`.
    /// It is sent together with BEGIN, and ends with the transaction. PostgreSQL alone has such variables; their names
    /// have a dot.
    ///
    /// ```no_run
    /// # use estoult::{Database, Result, sql};
    /// # async fn example(database: &Database) -> Result<()> {
    /// let transaction = database.transaction_with().variable("app.customer", "7");
    /// transaction.run(async |tx| sql("select * from orders").execute(tx).await).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.variables.push((name.into(), value.into()));
        self
    }

    /// Makes the database refuse writes.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.options.is_read_only = true;
        self
    }

    /// Runs the whole work again, at most this many times, after a conflict with another transaction: a serialization
    /// failure, a deadlock, a lock that was not free in time. The pause between tries doubles each time.
    #[must_use]
    pub fn retries(mut self, times: u32) -> Self {
        self.options.retries = times;
        self
    }

    /// How long the transaction may take as a whole, once it has its connection: each statement gets what is left. When
    /// the time is over the statement fails with [`ErrorKind::Timeout`], and the transaction can only be rolled back.
    /// With retries each try has this much time.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.options.timeout = Some(limit);
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
                match run_in(self.database, &self.options, origin, work.clone()).await {
                    Err(error) if may_retry(&error) && tries <= self.options.retries => {
                        tracing::debug!(tries, %error, "a transaction is tried again");
                        runtime::sleep(pause(tries)).await;
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

/// Whether running the work again may help. A row that changed since it was read stays changed: that needs a fresh
/// read, which only the caller can do.
fn may_retry(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Conflict(Conflict::Serialization | Conflict::Deadlock | Conflict::Busy)
    )
}

/// 10 ms doubled each time up to about a second, with jitter so that the same transactions don't conflict again.
fn pause(tries: u32) -> Duration {
    let base = 10_u64 << tries.min(7);
    let spread = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| u64::from(since.subsec_nanos()) % base);
    Duration::from_millis(base / 2 + spread / 2)
}
