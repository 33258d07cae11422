//! What only SQLite does: statements on the caller's thread or elsewhere, the queue of writers, checkpoints, databases
//! in memory, files.

mod checkpoint;
mod file;
mod memory;
mod placement;
mod schemas;
mod writer;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use estoult::{Database, DatabaseBuilder, Result};

use crate::support::{Backend, Fresh, run_fresh, runtime};

/// Runs a test on a file of its own and a runtime with two workers.
fn on_file(
    builder: impl Fn(DatabaseBuilder) -> DatabaseBuilder,
    test: impl AsyncFnOnce(&Database, &Fresh) -> Result<()>,
) {
    run_fresh(Backend::Sqlite, |fresh| {
        let db = builder(Database::builder(&fresh.url)).build()?;
        runtime().block_on(async {
            let lifespan = db.connect().await?;
            test(&db, fresh).await?;
            lifespan.close().await
        })
    });
}

fn path(fresh: &Fresh) -> PathBuf {
    fresh.url.strip_prefix("sqlite:").unwrap().into()
}

/// A connection as another process has it: outside of the queue of this one.
fn stranger(fresh: &Fresh) -> rusqlite::Connection {
    stranger_on(&path(fresh))
}

fn stranger_on(file: &Path) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(file).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection
}
