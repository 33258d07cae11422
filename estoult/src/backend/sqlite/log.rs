//! The write-ahead log of a file: how it grows, and when a checkpoint is due.

use std::{
    cell::RefCell,
    ffi::c_int,
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::{Connection, hooks::Wal};

/// After how many more pages the log is moved.
const PAGES_BETWEEN: u32 = 1000;
/// How often a reader that keeps the log from beginning anew is reported at most.
const REPORTED_EVERY: Duration = Duration::from_secs(60);

thread_local! {
    /// The databases whose log has grown, since SQLite's hook gets nothing but the thread that it runs on.
    static GROWN: RefCell<Vec<Grown>> = const { RefCell::new(Vec::new()) };
}

/// A database, as the connection calls it, and the pages of its log.
pub(super) type Grown = (String, u32);

/// Lets a connection report how its logs grow, in place of SQLite's own checkpoints.
pub(super) fn watch(connection: &Connection) {
    connection.wal_hook(Some(note_log));
}

fn note_log(log: &Wal, pages: c_int) -> rusqlite::Result<()> {
    let pages = u32::try_from(pages).unwrap_or(0);
    if pages >= PAGES_BETWEEN {
        let name = log.name().to_string_lossy().into_owned();
        GROWN.with_borrow_mut(|grown| grown.push((name, pages)));
    }
    Ok(())
}

/// What has grown on this thread since this was called last.
pub(super) fn take_grown() -> Vec<Grown> {
    // Fast path: an empty one allocates nothing.
    GROWN.take()
}

/// The checkpoints of one file.
#[derive(Debug, Default)]
pub(super) struct Checkpoints {
    is_running: AtomicBool,
    /// The pages of the log after the last commit that reported them, and after the last checkpoint.
    pages: AtomicU32,
    moved: AtomicU32,
    reported: Mutex<Option<Instant>>,
}

impl Checkpoints {
    /// Whether one is due now that the log has this many pages; then the caller has to run it.
    pub(super) fn begin(&self, pages: u32) -> bool {
        // Relaxed: a checkpoint too many or too late changes nothing but the size of the log.
        if pages < self.pages.swap(pages, Ordering::Relaxed) {
            self.moved.store(0, Ordering::Relaxed);
        }
        let is_due = pages >= self.moved.load(Ordering::Relaxed) + PAGES_BETWEEN;
        is_due && !self.is_running.swap(true, Ordering::Relaxed)
    }

    pub(super) fn end(&self, pages: u32) {
        self.moved.store(pages, Ordering::Relaxed);
        self.is_running.store(false, Ordering::Relaxed);
    }

    pub(super) fn report_reader(&self, path: &Path, pages: u32) {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if reported.is_some_and(|reported| reported.elapsed() < REPORTED_EVERY) {
            return;
        }
        *reported = Some(Instant::now());
        tracing::warn!(
            file = %path.display(),
            pages,
            "a reader that does not end keeps the write-ahead log from beginning anew, so it grows; end its transaction"
        );
    }
}
