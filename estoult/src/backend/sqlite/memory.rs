//! [`MemoryFolder`]: where a database in memory is. It has to behave as a file does, with readers beside a writer, and
//! SQLite gives that to files alone; so it is a file of its own that is never synced and ends with the database.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process,
    sync::{
        Once,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::error::{Error, ErrorKind, Result};

static NEXT: AtomicU64 = AtomicU64::new(1);
static CLEANED: Once = Once::new();

const PREFIX: &str = "estoult-memory-";
/// The file whose lock says that its process still runs.
const LOCK: &str = "lock";
/// The age from which a folder whose lock is free is one that a killed process has left; younger ones may be new.
const LEFT_AFTER: Duration = Duration::from_secs(60);

/// A folder for the files of one database, which is removed when this is dropped.
#[derive(Debug)]
pub(super) struct MemoryFolder {
    path: PathBuf,
    /// Locked as long as the database is there.
    _lock: fs::File,
}

impl MemoryFolder {
    /// Makes one, and removes those of processes that were killed.
    pub(super) fn new() -> Result<Self> {
        let parent = env::temp_dir();
        CLEANED.call_once(|| remove_left_behind(&parent));
        let made = Self::make(&parent);
        made.map_err(|error| {
            let message = format!(
                "make a folder for a SQLite database in memory in `{}`: {error}; set TMPDIR to a folder that can be \
                 written to",
                parent.display()
            );
            Error::new(ErrorKind::Connection, message).with_source(error)
        })
    }

    fn make(parent: &Path) -> io::Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let moment = now.unwrap_or_default().as_nanos();
        // Relaxed: only the numbers must differ.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("{PREFIX}{}-{number}-{moment:x}", process::id()));
        make_private(&path)?;
        let lock = fs::File::create_new(path.join(LOCK))?;
        lock.lock()?;
        Ok(Self { path, _lock: lock })
    }

    /// The file of the database.
    pub(super) fn file(&self) -> PathBuf {
        self.path.join("memory.db")
    }
}

impl Drop for MemoryFolder {
    fn drop(&mut self) {
        // What can't be removed now is removed by the next database in memory.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Others must not read it: it fails where there is something of its name already.
fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn remove_left_behind(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(PREFIX)) && is_left(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether the process that made a folder has ended: then its lock is free.
fn is_left(folder: &Path) -> bool {
    let made = fs::metadata(folder).and_then(|folder| folder.modified());
    let is_old = made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age > LEFT_AFTER));
    is_old && fs::File::open(folder.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok())
}
