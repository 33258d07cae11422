//! The lock that keeps two runs apart.
//! Invariant: nobody sleeps inside the database: a session that waits there blocks an index that
//! the holder builds concurrently. So the lock is asked for again and again.

use std::{
    fmt::Display,
    fs::{File, TryLockError},
    time::{Duration, Instant},
};

use estoult::{Pinned, Transaction, sql};

use super::{
    Rider,
    error::{Error, ErrorKind, Result},
    report::Event,
};
use crate::backend::SessionLocking;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A lock that a session of its own holds; dropped, it goes with the session.
pub(super) struct Lock {
    session: Option<Pinned>,
    locking: &'static SessionLocking,
    key: String,
}

impl Lock {
    /// Takes the lock named `key`, within the time that the rider waits.
    pub(super) async fn acquire(
        rider: &Rider,
        locking: &'static SessionLocking,
        key: String,
    ) -> Result<Self> {
        let failed = |error| Error::database("take the lock between runs", error);
        let session = rider.database()?.pin().await.map_err(failed)?;
        let mut patience = Patience::new(rider);
        while !ask(&session, locking.acquire, &key).await.map_err(failed)? {
            let holder = sql(locking.holder).bind("key", key.clone());
            let holder = holder.optional::<(String,)>(&session).await.ok().flatten();
            let holder = holder.map_or_else(|| "somebody".to_owned(), |(text,)| text);
            if !patience.pause(&holder).await {
                return Err(patience.over(&holder));
            }
        }
        let session = Some(session);
        Ok(Self {
            session,
            locking,
            key,
        })
    }

    /// Refuses to go on when the session, and with it the lock, is gone.
    pub(super) async fn check(&self) -> Result<()> {
        let Some(session) = &self.session else {
            return Ok(());
        };
        let failed = |error| Error::database("look whether the lock between runs is held", error);
        match ask(session, self.locking.held, &self.key).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::new(
                ErrorKind::Lock,
                "the lock between runs was lost; nothing more was done; run the command again",
            )),
            Err(error) => Err(failed(error)),
        }
    }

    /// Gives the lock back.
    pub(super) async fn release(mut self) {
        let Some(session) = self.session.take() else {
            return;
        };
        if !matches!(
            ask(&session, self.locking.release, &self.key).await,
            Ok(true)
        ) {
            session.discard();
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            session.discard();
        }
    }
}

/// Locks a file beside the database's own; the lock goes with the file.
pub(super) async fn file(rider: &Rider, database: &str) -> Result<File> {
    let path = format!("{database}-rider.lock");
    let failed = |error: &dyn Display| {
        let message = format!("take the lock between runs in {path}: {error}");
        Error::new(ErrorKind::Lock, message)
    };
    let mut options = File::options();
    let file = options.create(true).append(true).open(&path);
    let file = file.map_err(|error| failed(&error))?;
    let holder = format!("another process, which locks {path},");
    let mut patience = Patience::new(rider);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                if !patience.pause(&holder).await {
                    return Err(patience.over(&holder));
                }
            }
            Err(TryLockError::Error(error)) => return Err(failed(&error)),
        }
    }
}

async fn ask(session: &Pinned, text: &str, key: &str) -> estoult::Result<bool> {
    let asked = sql(text).bind("key", key.to_owned());
    Ok(asked.one::<(i64,)>(session).await?.0 == 1)
}

/// Begins a transaction that writes; where writers exclude each other, this is the lock.
pub(super) async fn begin(rider: &Rider) -> Result<Transaction> {
    let mut patience = Patience::new(rider);
    let database = rider.database()?;
    let holder = "another connection, which writes,";
    loop {
        match database.begin().await {
            Ok(tx) => return Ok(tx),
            Err(error) if error.is_conflict() => {
                if !patience.pause(holder).await {
                    return Err(patience.over(holder));
                }
            }
            Err(error) => return Err(Error::database("begin a transaction", error)),
        }
    }
}

/// How long to wait, and how far the pauses have grown.
struct Patience<'r> {
    rider: &'r Rider,
    until: Instant,
    pause: Duration,
}

impl<'r> Patience<'r> {
    fn new(rider: &'r Rider) -> Self {
        Self {
            rider,
            until: Instant::now() + rider.lock_wait,
            pause: FIRST_PAUSE,
        }
    }

    /// Waits for a while; false when the time is over. The first time the holder is told.
    async fn pause(&mut self, holder: &str) -> bool {
        if self.pause == FIRST_PAUSE {
            self.rider.tell(&Event::Waiting(holder));
        }
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        tokio::time::sleep(self.pause.min(left)).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }

    fn over(&self, holder: &str) -> Error {
        let wait = self.rider.lock_wait.as_secs_f64();
        Error::new(
            ErrorKind::Lock,
            format!(
                "waited {wait} s for another run of rider to finish, and {holder} still holds the \
                 lock; run the command again when it is done, or wait longer (`--lock-wait`)"
            ),
        )
    }
}
