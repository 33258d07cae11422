//! Checkpoints: moving the pages of the write-ahead log into the database file. A commit on an async thread does not
//! pay for them; a thread that may block does.
//!
//! A passive checkpoint runs beside readers and writers, but only a writer that finds all pages moved and no reader on
//! them begins the log anew. Where writers never pause, that moment has to be made: by a checkpoint in the writer's
//! turn, and beyond a size by one that waits for readers.

use std::{sync::Arc, time::Duration};

use rusqlite::{Connection, OpenFlags};
use tracing::dispatcher::{get_default, with_default};

use super::{classify::classify, log::Grown, writer::Writer};
use crate::error::Result;

/// From how many pages on it is to begin anew, for which a commit may have to wait: 16 MiB of SQLite's usual pages.
const RESET_AT: u32 = 4000;
/// From how many on readers are waited for, and how long: 64 MiB of SQLite's usual pages.
const RESTART_AT: u32 = 16_000;
const RESTART_WITHIN: Duration = Duration::from_millis(50);
/// How long a checkpoint on a thread of its own waits for the turn to write; one that gives up comes back later.
const TURN_WITHIN: Duration = Duration::from_millis(500);

/// A checkpoint that is under way. It ends when this is dropped, also where its runtime ends before it has run.
struct Running {
    writer: Arc<Writer>,
    pages: u32,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.writer.checkpoints.end(self.pages);
    }
}

/// Moves the log of a file in the background, if that is due.
pub(super) fn start(writer: &Arc<Writer>, pages: u32, runtime: &tokio::runtime::Handle) {
    let Some(running) = Running::begin(writer, pages) else {
        return;
    };
    let subscriber = get_default(Clone::clone);
    // No task: a runtime that no thread drives any more would keep it, and no other checkpoint could begin.
    runtime.spawn_blocking(move || {
        with_default(&subscriber, || {
            let writer = Arc::clone(&running.writer);
            if let Err(error) = running.on_own_connection() {
                tracing::debug!(file = %writer.path().display(), %error, "a checkpoint failed");
            }
        });
    });
}

/// Moves the log on the connection that has made it grow, on a thread that may block.
pub(super) fn run_here(writer: &Arc<Writer>, (name, pages): &Grown, connection: &Connection) {
    if let Some(running) = Running::begin(writer, *pages) {
        // One that fails now succeeds later, or its cause fails a statement.
        let _ = running.run(connection, name, Duration::ZERO);
    }
}

impl Running {
    fn begin(writer: &Arc<Writer>, pages: u32) -> Option<Self> {
        let writer = writer
            .checkpoints
            .begin(pages)
            .then(|| Arc::clone(writer))?;
        Some(Self { writer, pages })
    }

    fn on_own_connection(self) -> Result<()> {
        // Without CREATE: a file that was removed meanwhile stays removed.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(self.writer.path(), flags);
        let opened = opened.and_then(|connection| {
            connection.busy_timeout(RESTART_WITHIN)?;
            Ok(connection)
        });
        let connection = opened.map_err(|error| classify(&error))?;
        self.run(&connection, "main", TURN_WITHIN)
    }

    fn run(mut self, connection: &Connection, name: &str, turn_within: Duration) -> Result<()> {
        self.checkpoint(connection, name, "passive")?;
        if self.pages < RESET_AT {
            return Ok(());
        }
        let _turn = self.writer.turn_blocking(turn_within)?;
        self.checkpoint(connection, name, "passive")?;
        if self.pages >= RESTART_AT && self.checkpoint(connection, name, "restart").is_err() {
            let checkpoints = &self.writer.checkpoints;
            checkpoints.report_reader(self.writer.path(), self.pages);
        }
        Ok(())
    }

    fn checkpoint(&mut self, connection: &Connection, name: &str, mode: &str) -> Result<()> {
        self.pages = checkpoint(connection, name, mode).map_err(|error| classify(&error))?;
        Ok(())
    }
}

fn checkpoint(connection: &Connection, name: &str, mode: &str) -> rusqlite::Result<u32> {
    let quoted = name.replace('"', "\"\"");
    let text = format!("pragma \"{quoted}\".wal_checkpoint({mode})");
    connection.query_row(&text, [], |row| {
        let (is_busy, pages): (bool, i64) = (row.get(0)?, row.get(1)?);
        match is_busy && mode == "restart" {
            true => Err(rusqlite::Error::QueryReturnedNoRows),
            false => Ok(u32::try_from(pages).unwrap_or(0)),
        }
    })
}
