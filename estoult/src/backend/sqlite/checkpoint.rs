//! Checkpoints: moving the pages of the write-ahead log into the database file. A commit on an async thread does not
//! pay for them; a thread that may block does.
//!
//! A passive checkpoint runs beside readers and writers, but only a writer that finds all pages moved and no reader on
//! them begins the log anew. Where writers never pause, that moment has to be made: by a checkpoint in the writer's
//! turn, and beyond a size by one that waits for readers.

use std::{sync::Arc, time::Duration};

use rusqlite::{Connection, OpenFlags};

use super::{classify::classify, log::Grown, off_thread::off_thread, writer::Writer};
use crate::error::Result;

/// From how many pages on it is to begin anew: sixteen MiB of the usual ones. The writer that waits meanwhile is one of
/// two thousand.
const RESET_AT: u32 = 4000;
/// From how many on readers are waited for, and how long: 64 MiB of SQLite's usual pages.
const RESTART_AT: u32 = 16_000;
const RESTART_WITHIN: Duration = Duration::from_millis(50);
/// How long a checkpoint waits for the turn to write.
const TURN_WITHIN: Duration = Duration::from_secs(5);

/// Ends a checkpoint also when its task is dropped half way.
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
    if writer.checkpoints.begin(pages) {
        let writer = Arc::clone(writer);
        runtime.spawn(async move {
            if let Err(error) = run(&writer, pages).await {
                tracing::debug!(file = %writer.path().display(), %error, "a checkpoint failed");
            }
        });
    }
}

async fn run(writer: &Arc<Writer>, pages: u32) -> Result<()> {
    let mut running = Running {
        writer: Arc::clone(writer),
        pages,
    };
    running.pages = on_own_connection(writer, "passive", Duration::ZERO).await?;
    if running.pages < RESET_AT {
        return Ok(());
    }
    let _turn = writer.turn(TURN_WITHIN).await?;
    running.pages = on_own_connection(writer, "passive", Duration::ZERO).await?;
    if running.pages >= RESTART_AT {
        let restarted = on_own_connection(writer, "restart", RESTART_WITHIN).await;
        if restarted.is_err() {
            writer
                .checkpoints
                .report_reader(writer.path(), running.pages);
        }
    }
    Ok(())
}

/// Runs a checkpoint on a thread that may block and a connection of its own; gives the pages of the log.
async fn on_own_connection(
    writer: &Arc<Writer>,
    mode: &'static str,
    wait: Duration,
) -> Result<u32> {
    let writer = Arc::clone(writer);
    off_thread(move || {
        // Without CREATE: a file that was removed meanwhile stays removed.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let moved = Connection::open_with_flags(writer.path(), flags).and_then(|connection| {
            connection.busy_timeout(wait)?;
            checkpoint(&connection, "main", mode)
        });
        moved.map_err(|error| classify(&error))
    })
    .await
}

/// Moves the log on the connection that has made it grow, on a thread that may block.
pub(super) fn run_here(writer: &Arc<Writer>, (name, pages): &Grown, connection: &Connection) {
    if !writer.checkpoints.begin(*pages) {
        return;
    }
    let mut running = Running {
        writer: Arc::clone(writer),
        pages: *pages,
    };
    if let Ok(pages) = checkpoint(connection, name, "passive") {
        running.pages = pages;
    }
    if running.pages >= RESET_AT
        && let Some(_turn) = writer.free_turn()
        && let Ok(pages) = checkpoint(connection, name, "passive")
    {
        running.pages = pages;
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
