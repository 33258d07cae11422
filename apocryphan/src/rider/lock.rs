//! The lock that keeps two runs apart.
//! Invariant: no session waits for the lock inside the database. On PostgreSQL a waiting statement would block an index
//! that the holder builds concurrently, and both would wait forever. So the lock is tried again and again.

use std::{
    fmt::Display,
    fs::{File, TryLockError},
    time::{Duration, Instant},
};

use estoult::{Database, Pinned, Transaction, sql};

use super::{
    error::{Error, ErrorKind, Result},
    event::{Event, Observer},
};
use crate::backend::SessionLock;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How long to wait for another run, and who hears of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct LockWait<'r> {
    pub(super) limit: Duration,
    pub(super) observer: &'r Observer,
}

/// A lock that belongs to a session of its own.
///
/// 1. Tried: the session asks for the lock without waiting, pauses and asks again, up to the limit.
/// 2. Held: the session does nothing else. Before each migration the run checks that it still holds the lock.
/// 3. Lost: the server has ended the session, and another run may have started. This one stops.
/// 4. Released: at the end of the run. A run that is killed releases it as well, since the server ends its session.
pub(super) struct Lock {
    /// `None` once it is released.
    session: Option<Pinned>,
    statements: &'static SessionLock,
    key: String,
}

impl Lock {
    /// Takes the lock with this key.
    pub(super) async fn acquire(
        database: &Database,
        statements: &'static SessionLock,
        key: String,
        wait: LockWait<'_>,
    ) -> Result<Self> {
        let failed = |error| Error::database("take the lock between runs", error);
        // A connection of its own: the lock must outlast the transactions of the run.
        let session = database.pin().await.map_err(failed)?;
        let mut backoff = Backoff::new(wait);
        // State 1: never inside of a transaction, which would stay open for as long as the other run takes.
        while !is_one(&session, statements.acquire, &key)
            .await
            .map_err(failed)?
        {
            let holder = holder(&session, statements, &key).await;
            backoff.pause(&holder).await?;
        }
        let session = Some(session);
        Ok(Self {
            session,
            statements,
            key,
        })
    }

    /// Refuses to go on when the session, and with it the lock, is gone.
    pub(super) async fn check(&self) -> Result<()> {
        let Some(session) = &self.session else {
            return Ok(());
        };
        match is_one(session, self.statements.is_held, &self.key).await {
            Ok(true) => Ok(()),
            // State 3. Taking it again would hide that another run may have come in between.
            Ok(false) => Err(Error::new(
                ErrorKind::Lock,
                "the lock between runs was lost; nothing more was done; run the command again",
            )),
            Err(error) => Err(Error::database(
                "check whether the lock between runs is held",
                error,
            )),
        }
    }

    pub(super) async fn release(mut self) {
        let Some(session) = self.session.take() else {
            return;
        };
        let released = is_one(&session, self.statements.release, &self.key).await;
        // A session that may still hold the lock must not go back to the pool.
        if !matches!(released, Ok(true)) {
            session.discard();
        }
    }
}

impl Drop for Lock {
    /// A run that is cancelled can't send the statement that releases the lock, but closing the session does it, too.
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            session.discard();
        }
    }
}

/// What is known about the session that holds the lock. It is for people, so a failure to find out is ignored.
async fn holder(session: &Pinned, statements: &SessionLock, key: &str) -> String {
    let holder = sql(statements.holder).bind("key", key.to_owned());
    match holder.optional::<(String,)>(session).await {
        Ok(Some((text,))) => text,
        Ok(None) | Err(_) => "another session".to_owned(),
    }
}

async fn is_one(session: &Pinned, text: &str, key: &str) -> estoult::Result<bool> {
    let row = sql(text).bind("key", key.to_owned());
    Ok(row.one::<(i64,)>(session).await?.0 == 1)
}

/// Locks a file beside the file of the database. The operating system releases the lock when the file is closed, also
/// when the process is killed; the file itself stays and does no harm.
pub(super) async fn lock_file(database_file: &str, wait: LockWait<'_>) -> Result<File> {
    let path = format!("{database_file}-rider.lock");
    let failed = |error: &dyn Display| {
        let message = format!("take the lock between runs in {path}: {error}");
        Error::new(ErrorKind::Lock, message)
    };
    let mut options = File::options();
    // Opened to append, so that a file that exists is left as it is.
    let file = options.create(true).append(true).open(&path);
    let file = file.map_err(|error| failed(&error))?;
    let holder = format!("another process, which locks {path},");
    let mut backoff = Backoff::new(wait);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => backoff.pause(&holder).await?,
            Err(TryLockError::Error(error)) => return Err(failed(&error)),
        }
    }
}

/// Begins a transaction that writes. Where writers exclude each other this takes the lock, and the end of the
/// transaction releases it.
pub(super) async fn begin(database: &Database, wait: LockWait<'_>) -> Result<Transaction> {
    let mut backoff = Backoff::new(wait);
    loop {
        match database.begin().await {
            Ok(tx) => return Ok(tx),
            // SQLite reports that another connection writes.
            Err(error) if error.is_conflict() => {
                backoff.pause("another connection, which writes,").await?;
            }
            Err(error) => return Err(Error::database("begin a transaction", error)),
        }
    }
}

/// Pauses between two tries, each twice as long as the one before, until the limit is reached.
struct Backoff<'r> {
    wait: LockWait<'r>,
    until: Instant,
    pause: Duration,
}

impl<'r> Backoff<'r> {
    fn new(wait: LockWait<'r>) -> Self {
        Self {
            wait,
            until: Instant::now() + wait.limit,
            pause: FIRST_PAUSE,
        }
    }

    /// Waits until the next try. The observer hears of the first pause alone, since the others say nothing new.
    async fn pause(&mut self, holder: &str) -> Result<()> {
        if self.pause == FIRST_PAUSE {
            self.wait.observer.notify(&Event::Waiting(holder));
        }
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(self.timed_out(holder));
        }
        // The last pause ends with the limit, and one more try follows it.
        tokio::time::sleep(self.pause.min(left)).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }

    fn timed_out(&self, holder: &str) -> Error {
        let limit = self.wait.limit.as_secs_f64();
        Error::new(
            ErrorKind::Lock,
            format!(
                "waited {limit} s for another run of rider to finish, and {holder} still holds the \
                 lock; run the command again when it is done, or wait longer (`--lock-wait`)"
            ),
        )
    }
}
