//! [`Writer`]: the queue of those who write to one file. SQLite takes one writer at a time, so within the process they
//! wait here, in the order in which they came and without a thread; SQLite's own lock is left to other processes.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::{blocking::blocking_within, log::Checkpoints};
use crate::{
    error::{Conflict, Error, ErrorKind, Result},
    runtime::within,
};

/// The files that are open somewhere in the process.
static WRITERS: Mutex<Option<HashMap<PathBuf, Weak<Writer>>>> = Mutex::new(None);

/// The writers of one file.
pub(super) struct Writer {
    path: PathBuf,
    turn: Arc<Semaphore>,
    pub(super) checkpoints: Checkpoints,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("path", &self.path).finish()
    }
}

/// The right to write to a file; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    writer: Arc<Writer>,
    _permit: OwnedSemaphorePermit,
}

impl Turn {
    /// Whether it is one of this file.
    pub(super) fn is_of(&self, writer: &Arc<Writer>) -> bool {
        Arc::ptr_eq(&self.writer, writer)
    }
}

impl Writer {
    /// The writers of a file, which exists: all databases of the process on this file share them.
    pub(super) fn of(path: &Path) -> Arc<Self> {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let mut writers = WRITERS.lock().unwrap_or_else(PoisonError::into_inner);
        let writers = writers.get_or_insert_default();
        if let Some(known) = writers.get(&path).and_then(Weak::upgrade) {
            return known;
        }
        writers.retain(|_, writer| writer.strong_count() > 0);
        let made = Self::new(path.clone());
        writers.insert(path, Arc::downgrade(&made));
        made
    }

    /// Those of a database that only one `Database` has.
    pub(super) fn new(path: PathBuf) -> Arc<Self> {
        Arc::new(Self {
            path,
            turn: Arc::new(Semaphore::new(1)),
            checkpoints: Checkpoints::default(),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for the turn to write.
    ///
    /// # Errors
    ///
    /// `Conflict` when it does not come within this time.
    pub(super) async fn turn(self: &Arc<Self>, limit: Duration) -> Result<Turn> {
        if let Some(turn) = self.free_turn() {
            return Ok(turn);
        }
        if Handle::try_current().is_err() {
            return self.turn_blocking(limit);
        }
        let permit = within(limit, Arc::clone(&self.turn).acquire_owned()).await;
        match permit {
            Some(Ok(permit)) => Ok(self.with(permit)),
            _ => Err(self.is_taken(limit)),
        }
    }

    /// The turn, if no other has it or waits for it.
    pub(super) fn free_turn(self: &Arc<Self>) -> Option<Turn> {
        let permit = Arc::clone(&self.turn).try_acquire_owned().ok()?;
        Some(self.with(permit))
    }

    /// Waits for the turn on a thread that may block.
    ///
    /// # Errors
    ///
    /// As for [`turn`](Self::turn).
    pub(super) fn turn_blocking(self: &Arc<Self>, limit: Duration) -> Result<Turn> {
        match blocking_within(limit, Arc::clone(&self.turn).acquire_owned()) {
            Some(Ok(permit)) => Ok(self.with(permit)),
            _ => Err(self.is_taken(limit)),
        }
    }

    fn with(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Turn {
        Turn {
            writer: Arc::clone(self),
            _permit: permit,
        }
    }

    #[cold]
    fn is_taken(&self, limit: Duration) -> Error {
        Error::new(
            ErrorKind::Conflict(Conflict::Busy),
            format!(
                "write to the SQLite file `{}`: the turn to write did not come within {limit:?}, the `busy_timeout` of \
                 its URL: another transaction of this program has it, or waits for another process; end transactions \
                 sooner, begin those that only read with `read_only()`, and write through no second connection within \
                 one",
                self.path.display()
            ),
        )
    }
}
