//! Transactions: begun, nested as savepoints, committed, and rolled back on error, panic and drop.

use std::{
    fmt,
    panic::Location,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
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
        if self.is_read_only && is_pragma {
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
    is_open: bool,
}

struct Shared {
    lease: Mutex<Lease>,
    /// The depth of the innermost open savepoint.
    depth: AtomicUsize,
    /// The depth of a savepoint that was dropped and is still to be rolled back; 0 for none.
    dropped: AtomicUsize,
    end_suffix: &'static str,
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("depth", &self.depth)
            .finish_non_exhaustive()
    }
}

impl Transaction {
    pub(crate) async fn begin(mut lease: Lease, settings: &TransactionOptions) -> Result<Self> {
        let features = lease.features();
        let statement = settings.begin_statement(features)?;
        lease.begin(&statement).await?;
        let shared = Shared {
            lease: Mutex::new(lease),
            depth: AtomicUsize::new(1),
            dropped: AtomicUsize::new(0),
            end_suffix: settings.end_suffix(features),
        };
        Ok(Self {
            shared: Arc::new(shared),
            depth: 1,
            is_open: true,
        })
    }

    /// The connection, with savepoints that were dropped rolled back first.
    pub(crate) async fn lease(&self) -> Result<MutexGuard<'_, Lease>> {
        let mut lease = self.shared.lease.lock().await;
        let dropped = self.shared.dropped.load(Ordering::Acquire);
        if dropped > 0 {
            lease.control(&roll_back_to(dropped)).await?;
            self.shared.dropped.store(0, Ordering::Release);
        }
        let open = self.shared.depth.load(Ordering::Acquire);
        if open != self.depth {
            return Err(Error::configuration(if open > self.depth {
                "use a transaction: a nested transaction of it is still open; use that one, or end it first"
            } else {
                "use a nested transaction: the one around it has ended, and so has this one"
            }));
        }
        Ok(lease)
    }

    /// Commits; of a nested transaction, makes it part of the one around it.
    ///
    /// # Errors
    ///
    /// `Conflict` when the transactions beside it forbid it; `Connection` when the connection was lost, and then it is
    /// not known whether the commit took place.
    pub async fn commit(mut self) -> Result<()> {
        let statement = match self.depth {
            1 => format!("commit{}", self.shared.end_suffix),
            depth => format!("release savepoint {}", savepoint(depth)),
        };
        self.finish(&statement).await
    }

    /// Rolls back; of a nested transaction, to where it began.
    ///
    /// # Errors
    ///
    /// `Connection` when the connection was lost; the database then rolls back by itself.
    pub async fn rollback(mut self) -> Result<()> {
        let statement = match self.depth {
            1 => format!("rollback{}", self.shared.end_suffix),
            depth => roll_back_to(depth),
        };
        self.finish(&statement).await
    }

    async fn finish(&mut self, statement: &str) -> Result<()> {
        let mut lease = self.lease().await?;
        let outcome = match self.depth {
            1 => lease.end(statement).await,
            _ => lease.control(statement).await,
        };
        drop(lease);
        if outcome.is_ok() {
            self.is_open = false;
            self.shared.depth.store(self.depth - 1, Ordering::Release);
        }
        outcome
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
        let nested = Self {
            shared: Arc::clone(&self.shared),
            depth,
            is_open: true,
        };
        self.shared.depth.store(depth, Ordering::Release);
        lease
            .batch(&format!("savepoint {}", savepoint(depth)))
            .await?;
        drop(lease);
        Ok(nested)
    }

    /// Runs work in a nested transaction: committed when it returns `Ok`, else rolled back to where it began.
    ///
    /// # Errors
    ///
    /// The work's own, and those of [`savepoint`](Self::savepoint) and [`commit`](Self::commit).
    pub async fn transaction<T>(&self, work: impl AsyncFnOnce(&Self) -> Result<T>) -> Result<T> {
        let nested = self.savepoint().await?;
        let outcome = work(&nested).await;
        nested.conclude(outcome).await
    }

    async fn conclude<T>(self, outcome: Result<T>) -> Result<T> {
        match outcome {
            Ok(value) => self.commit().await.map(|()| value),
            Err(error) => {
                // The work's error tells more than that of a rollback on a connection that is lost.
                let _ = self.rollback().await;
                Err(error)
            }
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        // The outermost one rolls back by itself when its lease is dropped inside of a transaction.
        if self.is_open && self.depth > 1 {
            // An outer savepoint takes the inner ones with it, whichever is dropped first.
            let outermost = |known: usize| (known == 0 || known > self.depth).then_some(self.depth);
            let shared = &self.shared;
            let _ = shared
                .dropped
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, outermost);
            shared.depth.fetch_min(self.depth - 1, Ordering::AcqRel);
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
    pub async fn transaction<T>(
        &self,
        work: impl AsyncFnOnce(&Transaction) -> Result<T>,
    ) -> Result<T> {
        let transaction = self.begin().await?;
        let outcome = work(&transaction).await;
        transaction.conclude(outcome).await
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

async fn begin(
    database: &Database,
    options: &TransactionOptions,
    origin: &'static Location<'static>,
) -> Result<Transaction> {
    let lease = database
        .lease(origin)
        .await
        .map_err(|error| error.at(origin))?;
    Transaction::begin(lease, options)
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

    /// Runs work in the transaction, as [`Database::transaction`] does, with its retries.
    ///
    /// # Errors
    ///
    /// As for [`Database::transaction`]; `Conflict` when the last try failed with one, and the message says how often
    /// it was tried.
    pub async fn run<T>(&self, work: impl AsyncFn(&Transaction) -> Result<T>) -> Result<T> {
        let mut tries = 0;
        loop {
            let outcome = match self.begin().await {
                Ok(transaction) => {
                    let outcome = work(&transaction).await;
                    transaction.conclude(outcome).await
                }
                Err(error) => Err(error),
            };
            match outcome {
                Err(error) if may_retry(&error) && tries < self.options.retries => {
                    tries += 1;
                    tracing::debug!(tries, %error, "a transaction is tried again");
                    tokio::time::sleep(pause(tries)).await;
                }
                Err(error) if may_retry(&error) && tries > 0 => {
                    return Err(
                        error.context(&format!("run a transaction, tried {} times", tries + 1))
                    );
                }
                outcome => return outcome,
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
