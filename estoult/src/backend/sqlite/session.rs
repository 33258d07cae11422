//! A SQLite connection at work: stepping, and stopping when the caller no longer waits.
//!
//! A statement takes the connection with it to the other thread, which sends it back. When its future is dropped the
//! statement is interrupted, and `recover` waits for the connection.

use std::{
    any::Any,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use rusqlite::{Batch, Connection, fallible_iterator::FallibleIterator, ffi};
use tokio::{
    runtime::Handle,
    sync::oneshot::{self, Receiver},
};

use super::{
    bind::bind,
    classify::{classify, of_statement},
    decode::SqliteCells,
    lock_wait::{LockWait, try_again},
    schemas::{Attached, SchemaFiles},
};
use crate::{
    backend::{Features, Outcome, Session, Statement, TransactionStatus, address::SqliteAddress},
    error::{Error, ErrorKind, Result},
    row::Sink,
    runtime,
    sql::Dialect,
};

/// How many steps of SQLite's virtual machine lie between two checks whether the caller still waits.
const STEPS_BETWEEN_CHECKS: std::ffi::c_int = 2000;

pub(super) struct SqliteSession {
    /// `None` while a statement runs.
    connection: Option<Connection>,
    /// Where the other thread sends the connection; still set when the future of the statement was dropped.
    away: Option<Receiver<Connection>>,
    wait: Arc<LockWait>,
    is_read_only: bool,
    /// How many transactions SQLite has committed or rolled back.
    ended: Arc<AtomicU64>,
    schemas: Arc<SchemaFiles>,
    attached: Attached,
    is_prepared: bool,
}

impl fmt::Debug for SqliteSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteSession")
            .field("is_broken", &self.is_broken())
            .finish()
    }
}

impl SqliteSession {
    pub(super) fn new(
        connection: Connection,
        address: &SqliteAddress,
        schemas: Arc<SchemaFiles>,
    ) -> Result<Self> {
        let wait = Arc::new(LockWait::new(address.busy_timeout));
        let seen = Arc::clone(&wait);
        let installed = connection
            .progress_handler(STEPS_BETWEEN_CHECKS, Some(move || seen.is_abandoned()))
            .and_then(|()| connection.busy_handler(Some(try_again)));
        installed.map_err(|error| classify(&error))?;
        Ok(Self {
            ended: count_ends(&connection).map_err(|error| classify(&error))?,
            connection: Some(connection),
            away: None,
            wait,
            is_read_only: address.read_only,
            attached: schemas.nothing_attached(),
            is_prepared: false,
            schemas,
        })
    }

    /// Runs work on the connection: on this thread when it may block, else on one that may.
    async fn run<T, F>(&mut self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        // Fast path of sync callers: a hop to another thread costs more than most statements.
        if runtime::may_block() {
            return match &self.connection {
                Some(connection) => self.wait.around(|| work(connection)),
                None => Err(gone()),
            };
        }
        let connection = self.connection.take().ok_or_else(gone)?;
        let (back, away) = oneshot::channel();
        self.away = Some(away);
        let guard = AbandonGuard(Some(Arc::clone(&self.wait)));
        let wait = Arc::clone(&self.wait);
        let outcome = off_thread(move || {
            // The future may be dropped while the work still waits for a thread.
            let outcome = if wait.is_abandoned() {
                Err(gone())
            } else {
                wait.around(|| work(&connection))
            };
            // Without a receiver the session is gone, and the connection is closed here.
            drop(back.send(connection));
            outcome
        })
        .await;
        // Only now is the connection back: until here a dropped future leaves it away.
        guard.disarm();
        let returned = self.away.take().and_then(|mut away| away.try_recv().ok());
        self.connection = returned;
        outcome
    }
}

/// Counts the ends of transactions, so that the connection sees when the program's own SQL has ended one and begun
/// another.
fn count_ends(connection: &Connection) -> rusqlite::Result<Arc<AtomicU64>> {
    let ended = Arc::new(AtomicU64::new(0));
    // Relaxed: the session reads it after it has waited for the statement.
    let (committed, rolled_back) = (Arc::clone(&ended), Arc::clone(&ended));
    connection.commit_hook(Some(move || {
        committed.fetch_add(1, Ordering::Relaxed);
        // True would turn the commit into a rollback.
        false
    }))?;
    connection.rollback_hook(Some(move || {
        rolled_back.fetch_add(1, Ordering::Relaxed);
    }))?;
    Ok(ended)
}

fn gone() -> Error {
    Error::new(
        ErrorKind::Connection,
        "use a SQLite connection: its last statement was abandoned before it ended",
    )
}

/// Marks the statement abandoned when the future that waits for it is dropped.
struct AbandonGuard(Option<Arc<LockWait>>);

impl AbandonGuard {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for AbandonGuard {
    fn drop(&mut self) {
        if let Some(wait) = &self.0 {
            wait.set_abandoned(true);
        }
    }
}

/// Runs work on a thread that may block: one of the runtime, or the present one where there is no runtime.
pub(super) async fn off_thread<T, F>(work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    if runtime::may_block() {
        return work();
    }
    let Ok(handle) = Handle::try_current() else {
        return work();
    };
    handle.spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Error::new(
            ErrorKind::Connection,
            format!("run work for SQLite: {error}"),
        ))
    })
}

#[async_trait]
impl Session for SqliteSession {
    fn features(&self) -> &'static Features {
        Dialect::Sqlite.features()
    }

    async fn fetch(&mut self, statement: Statement, sink: Box<dyn Sink>) -> Result<Box<dyn Sink>> {
        self.run(move |connection| fetch(connection, &statement, sink))
            .await
    }

    async fn execute(&mut self, statement: Statement) -> Result<Outcome> {
        self.run(move |connection| execute(connection, &statement))
            .await
    }

    async fn batch(&mut self, script: &str) -> Result<()> {
        let (script, wait): (Arc<str>, _) = (script.into(), Arc::clone(&self.wait));
        self.run(move |connection| {
            let ran = run_script(connection, &script, &wait);
            ran.map_err(|error| of_statement(&error, &script, &[]))
        })
        .await
    }

    async fn open_schemas(&mut self, schemas: &[Arc<str>]) -> Result<()> {
        let Some(steps) = self.attached.steps(&self.schemas, schemas) else {
            return Ok(());
        };
        let (files, steps) = (Arc::clone(&self.schemas), Arc::new(steps));
        let tried = Arc::clone(&steps);
        let opened = self.run(move |connection| files.apply(connection, &steps));
        let opened = opened.await;
        if opened.is_err() && self.attached.forget(&tried) {
            // A file could not be detached, so it is no longer known what the connection has open.
            self.connection = None;
        }
        opened
    }

    async fn create_schema(&mut self, name: &str) -> Result<()> {
        let (files, name) = (Arc::clone(&self.schemas), name.to_owned());
        off_thread(move || files.create(&name)).await
    }

    async fn drop_schema(&mut self, name: &str) -> Result<()> {
        // Opening it fails where there is none of this name. Connections, also this one, detach it before their next
        // statement, since the removal counts up the generation.
        let schema: Arc<str> = Arc::from(name);
        self.open_schemas(&[Arc::clone(&schema)]).await?;
        let files = Arc::clone(&self.schemas);
        off_thread(move || files.remove(&schema)).await
    }

    async fn schemas(&mut self) -> Result<Vec<String>> {
        let files = Arc::clone(&self.schemas);
        off_thread(move || files.names()).await
    }

    async fn ping(&mut self) -> Result<()> {
        // There is no server that could be lost.
        if self.is_broken() {
            Err(gone())
        } else {
            Ok(())
        }
    }

    fn is_broken(&self) -> bool {
        self.connection.is_none() && self.away.is_none()
    }

    fn transaction(&self) -> TransactionStatus {
        match &self.connection {
            Some(connection) if !connection.is_autocommit() => TransactionStatus::Open,
            _ => TransactionStatus::Idle,
        }
    }

    fn transactions_ended(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }

    async fn recover(&mut self) -> Result<()> {
        if let Some(away) = &mut self.away {
            // The statement ends soon, since its next check interrupts it.
            self.connection = away.await.ok();
            self.away = None;
        }
        self.wait.set_abandoned(false);
        // A read-only transaction has made the connection refuse writes.
        let access = if self.is_read_only { "on" } else { "off" };
        let end = if self.transaction().is_open() {
            "rollback; "
        } else {
            ""
        };
        self.control(&format!("{end}pragma query_only = {access}"))
            .await
    }

    fn raw(&mut self) -> Option<&mut (dyn Any + Send)> {
        let connection = self.connection.as_mut()?;
        Some(connection)
    }

    fn is_prepared(&self) -> bool {
        self.is_prepared
    }

    fn note_prepared(&mut self) {
        self.is_prepared = true;
    }

    fn is_read_only(&self) -> Option<bool> {
        let connection = self.connection.as_ref()?;
        connection.is_readonly("main").ok()
    }

    async fn close(mut self: Box<Self>) {
        if let Some(connection) = self.connection.take() {
            // Closing may write the last of the write-ahead log, which blocks. After a failure the log is still there
            // for the next connection.
            let _ = off_thread(move || {
                drop(connection);
                Ok(())
            })
            .await;
        }
    }
}

/// Runs a script statement by statement, until its caller no longer waits.
fn run_script(connection: &Connection, script: &str, wait: &LockWait) -> rusqlite::Result<()> {
    let mut statements = Batch::new(connection, script);
    while let Some(mut statement) = statements.next()? {
        if wait.is_abandoned() {
            let interrupted = ffi::Error::new(ffi::SQLITE_INTERRUPT);
            return Err(rusqlite::Error::SqliteFailure(interrupted, None));
        }
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
    }
    Ok(())
}

fn fetch(
    connection: &Connection,
    statement: &Statement,
    mut sink: Box<dyn Sink>,
) -> Result<Box<dyn Sink>> {
    let failed = |error: &rusqlite::Error| of_statement(error, &statement.sql, &statement.values);
    let mut prepared = connection
        .prepare_cached(&statement.sql)
        .map_err(|error| failed(&error))?;
    bind(&mut prepared, &statement.values).map_err(|error| failed(&error))?;
    let (columns, before) = (prepared.column_count(), connection.total_changes());
    let mut is_empty = true;
    let mut rows = prepared.raw_query();
    while let Some(row) = rows.next().map_err(|error| failed(&error))? {
        is_empty = false;
        sink.row(&SqliteCells { row, columns })
            .map_err(|error| error.with_statement(&statement.sql))?;
    }
    drop(rows);
    if is_empty && sink.wants_columns() {
        let names = prepared.column_names().into_iter().map(str::to_owned);
        sink.columns(names.collect());
    }
    // After a statement that is no INSERT, UPDATE or DELETE, `changes` still has the number of an earlier one
    // ("sqlite3_changes"), so the total decides.
    if connection.total_changes() != before {
        sink.affected(connection.changes());
    }
    Ok(sink)
}

fn execute(connection: &Connection, statement: &Statement) -> Result<Outcome> {
    let failed = |error: &rusqlite::Error| of_statement(error, &statement.sql, &statement.values);
    let mut prepared = connection
        .prepare_cached(&statement.sql)
        .map_err(|error| failed(&error))?;
    bind(&mut prepared, &statement.values).map_err(|error| failed(&error))?;
    if prepared.column_count() > 0 {
        // A statement with rows, such as a pragma or a select: run it to its end, since each row may have an effect.
        let mut rows = prepared.raw_query();
        while rows.next().map_err(|error| failed(&error))?.is_some() {}
        return Ok(Outcome::default());
    }
    let changed = prepared.raw_execute().map_err(|error| failed(&error))?;
    Ok(Outcome {
        rows_affected: u64::try_from(changed).unwrap_or(u64::MAX),
        last_insert_id: Some(connection.last_insert_rowid()),
    })
}
