//! [`FileIdentity`]: whether the file of a connection is still the one at its path. SQLite goes on writing to one that
//! was removed, and nothing of that is ever read again.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::error::{Error, ErrorKind, Result};

/// Whether the file of a database was removed under its connections. None is made in its place.
#[derive(Debug, Clone, Default)]
pub(super) struct Removed(Arc<AtomicBool>);

/// The file that a connection has opened.
#[derive(Debug)]
pub(super) struct FileIdentity {
    path: PathBuf,
    /// `None` where the system does not number its files, or has none for this database.
    number: Option<(u64, u64)>,
    removed: Removed,
}

impl Removed {
    /// Refuses to make a file in the place of one that was removed.
    pub(super) fn check(&self, path: &Path) -> Result<()> {
        // Relaxed: a connection that is opened a moment too early is one from before the check.
        if !self.0.load(Ordering::Relaxed) || path.exists() {
            return Ok(());
        }
        Err(removed(path))
    }
}

impl FileIdentity {
    pub(super) fn of(path: &Path, removed: &Removed) -> Self {
        Self {
            path: path.to_owned(),
            number: number(path),
            removed: removed.clone(),
        }
    }

    /// An error when the file was removed, or another one has its place. Both are reported as well: the caller of this
    /// may not be the one whose writes are lost.
    pub(super) fn check(&self) -> Result<()> {
        if self.number.is_none() || number(&self.path) == self.number {
            return Ok(());
        }
        tracing::warn!(
            file = %self.path.display(),
            "the file of a SQLite database was removed or replaced while it was open; what was written to it in the \
             meantime is lost"
        );
        self.removed.0.store(true, Ordering::Relaxed);
        Err(removed(&self.path))
    }
}

fn removed(path: &Path) -> Error {
    Error::new(
        ErrorKind::Connection,
        format!(
            "use the SQLite file `{}`: it was removed while the database was open, and what was written since then is \
             lost; put it back, and close the database before its file is moved",
            path.display()
        ),
    )
}

#[cfg(unix)]
fn number(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;

    let file = path.metadata().ok()?;
    Some((file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn number(_: &Path) -> Option<(u64, u64)> {
    None
}
