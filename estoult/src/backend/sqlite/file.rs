//! [`FileIdentity`]: whether the file of a connection is still the one at its path. SQLite goes on writing to one that
//! was removed, and nothing of that is ever read again.

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

/// The file that a connection has opened.
#[derive(Debug)]
pub(super) struct FileIdentity {
    path: PathBuf,
    /// `None` where the system does not number its files, or has none for this database.
    number: Option<(u64, u64)>,
}

impl FileIdentity {
    pub(super) fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            number: number(path),
        }
    }

    /// An error when the file was removed, or another one has its place.
    pub(super) fn check(&self) -> Result<()> {
        if self.number.is_none() || number(&self.path) == self.number {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Connection,
            format!(
                "use a SQLite connection: its file `{}` was removed or replaced, so what it wrote would be lost; leave \
                 the file of an open database where it is",
                self.path.display()
            ),
        ))
    }
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
