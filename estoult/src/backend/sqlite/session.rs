//! A SQLite connection at work: on the caller's thread where that is short, else on one that may block.
//!
//! A statement that goes to another thread takes the connection with it, and the thread sends it back. When its future
//! is dropped the statement is interrupted, and `recover` waits for the connection.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use rusqlite::{Connection, limits::Limit};
use tokio::{
    runtime::Handle,
    sync::oneshot::{self, Receiver},
    task::coop::consume_budget,
};

use super::{
    checkpoint,
    classify::classify,
    execute,
    file::FileIdentity,
    log::{self, Grown},
    off_thread::off_thread,
    program::{Program, Programs, Ran, is_pragma},
    schemas::{AttachSteps, Attached, SchemaFiles},
    watch::{STEPS_BETWEEN_CALLS, Watch, try_again},
    writer::{Turn, Writer},
};
use crate::{
    backend::{Session, Statement, address::SqliteAddress},
    error::{Error, ErrorKind, Result},
    runtime,
    sql::{self, Dialect},
    value::Datum,
};

/// How many rows a transaction may have changed whose statements still run on an async thread.
const CHANGES_HERE: u64 = 500;
/// The size of a value whose statement may run on an async thread.
const BYTES_HERE: usize = 64 * 1024;

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is noted and asked for by itself"
)]
pub(super) struct SqliteSession {
    /// `None` while a statement runs on another thread.
    pub(super) connection: Option<Connection>,
    /// Where that thread sends the connection; still set when the future of the statement was dropped.
    pub(super) away: Option<Receiver<Connection>>,
    pub(super) watch: Arc<Watch>,
    programs: Programs,
    statement_cache: usize,
    writer: Arc<Writer>,
    /// The files that it may write to: until the statement has ended, or the transaction.
    turns: Vec<Turn>,
    pub(super) is_read_only: bool,
    /// Whether a commit waits for no disk.
    is_commit_short: bool,
    /// How many rows had been changed on the connection when no transaction was open last.
    changes_before: u64,
    /// How many transactions SQLite has committed or rolled back.
    pub(super) ended: Arc<AtomicU64>,
    pub(super) schemas: Arc<SchemaFiles>,
    pub(super) attached: Attached,
    pub(super) file: FileIdentity,
    pub(super) is_prepared: bool,
    /// Whether the program's own SQL has changed what the next caller would meet.
    pub(super) is_changed: bool,
    /// Whether files are being attached or detached: still set when the future that waited for it was dropped.
    pub(super) is_attaching: bool,
}

impl fmt::Debug for SqliteSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteSession")
            .field("is_broken", &self.is_broken())
            .finish()
    }
}

/// What became of work on the caller's thread.
pub(super) enum Here<T> {
    Done(Result<T>),
    /// It has done nothing, and has to be run where it may wait: its budget of steps is used up, or another process
    /// has the lock.
    HasToWait,
}

fn is_large(value: &Datum) -> bool {
    match value {
        Datum::Text(text) => text.len() > BYTES_HERE,
        Datum::Bytes(bytes) => bytes.len() > BYTES_HERE,
        Datum::List(_, items) => items.len() > BYTES_HERE / 64,
        _ => false,
    }
}

impl SqliteSession {
    pub(super) fn new(
        connection: Connection,
        address: &SqliteAddress,
        schemas: Arc<SchemaFiles>,
        (file, writer): (FileIdentity, Arc<Writer>),
    ) -> Result<Self> {
        let watch = Arc::new(Watch::new(address.busy_timeout));
        let (seen, interrupt) = (Arc::clone(&watch), connection.get_interrupt_handle());
        let installed = connection
            .progress_handler(
                STEPS_BETWEEN_CALLS,
                Some(move || seen.has_to_stop(&interrupt)),
            )
            .and_then(|()| connection.busy_handler(Some(try_again)))
            .and_then(|()| connection.limit(Limit::SQLITE_LIMIT_ATTACHED));
        let attached_at_most = installed.map_err(|error| classify(&error))?;
        log::watch(&connection);
        let is_synced = !matches!(address.synchronous.as_str(), "off" | "normal");
        Ok(Self {
            ended: count_ends(&connection).map_err(|error| classify(&error))?,
            changes_before: connection.total_changes(),
            connection: Some(connection),
            away: None,
            watch,
            programs: Programs::default(),
            statement_cache: address.statement_cache,
            writer,
            turns: Vec::new(),
            is_read_only: address.read_only,
            // With another journal each commit waits until the disk has it.
            is_commit_short: !is_synced
                && matches!(address.journal_mode.as_str(), "wal" | "memory" | "off"),
            attached: schemas.nothing_attached(usize::try_from(attached_at_most).unwrap_or(0)),
            file,
            is_prepared: false,
            is_changed: false,
            is_attaching: false,
            schemas,
        })
    }

    pub(super) fn connection(&self) -> Result<&Connection> {
        self.connection.as_ref().ok_or_else(gone)
    }

    /// Runs work that may take any time: on this thread where it may block, else on one that may.
    pub(super) async fn elsewhere<T, F>(&mut self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        // Fast path of sync callers: a hop to another thread costs more than most statements.
        if runtime::may_block() {
            let outcome = match &self.connection {
                Some(connection) => self.watch.waiting(|| work(connection)),
                None => return Err(gone()),
            };
            self.finish();
            return outcome;
        }
        let connection = self.connection.take().ok_or_else(gone)?;
        let (back, away) = oneshot::channel();
        self.away = Some(away);
        let guard = AbandonGuard(Some(Arc::clone(&self.watch)));
        let watch = Arc::clone(&self.watch);
        let ran = off_thread(move || {
            // The future may be dropped while the work still waits for a thread.
            let outcome = if watch.is_abandoned() {
                Err(gone())
            } else {
                watch.waiting(|| work(&connection))
            };
            let grown = log::take_grown();
            // Without a receiver the session is gone, and the connection is closed here.
            drop(back.send(connection));
            Ok((outcome, grown))
        })
        .await;
        // Only now is the connection back: until here a dropped future leaves it away.
        guard.disarm();
        self.connection = self.away.take().and_then(|mut away| away.try_recv().ok());
        // Without an outcome the runtime has ended, and the connection with it.
        let (outcome, grown) = ran?;
        self.start_checkpoints(&grown);
        self.finish();
        outcome
    }

    /// Runs short work on the caller's thread.
    pub(super) fn here<T>(
        &mut self,
        has_budget: bool,
        work: impl FnOnce(&Connection) -> Result<T>,
    ) -> Here<T> {
        let Some(connection) = &self.connection else {
            return Here::Done(Err(gone()));
        };
        let was_idle = connection.is_autocommit();
        let (outcome, had_to_stop) = self.watch.without_waiting(has_budget, || work(connection));
        // Where SQLite has rolled back the transaction as well, the statement must not be carried out without it.
        if had_to_stop && outcome.is_err() && connection.is_autocommit() == was_idle {
            // It keeps its turn until it is run again.
            return Here::HasToWait;
        }
        self.finish();
        Here::Done(outcome)
    }

    /// What follows each use of the connection.
    pub(super) fn finish(&mut self) {
        let Some(connection) = &self.connection else {
            return;
        };
        if connection.is_autocommit() {
            self.turns.clear();
            self.changes_before = connection.total_changes();
        }
        let grown = log::take_grown();
        if !grown.is_empty() {
            self.start_checkpoints(&grown);
        }
    }

    #[cold]
    fn start_checkpoints(&self, grown: &[Grown]) {
        for log in grown {
            let writer = match log.0.as_str() {
                "main" => Arc::clone(&self.writer),
                schema => self.schemas.writer(&Arc::from(schema)),
            };
            match (
                runtime::may_block(),
                Handle::try_current(),
                &self.connection,
            ) {
                (false, Ok(runtime), _) => checkpoint::start(&writer, log.1, &runtime),
                (_, _, Some(connection)) => checkpoint::run_here(&writer, log, connection),
                _ => {}
            }
        }
    }

    /// Whether what runs next on the connection may run on an async thread, as far as its transaction goes.
    fn is_light(&self) -> bool {
        let changes = self.connection.as_ref().map(Connection::total_changes);
        changes.is_some_and(|changes| changes - self.changes_before <= CHANGES_HERE)
    }

    /// What SQLite says of a statement, and the turn to write if it writes.
    pub(super) async fn prepare(&mut self, statement: &Statement) -> Result<Program> {
        let program = match self
            .programs
            .get(&statement.sql, self.schemas.definitions())
        {
            Some(program) => program,
            None => {
                let sql = Arc::clone(&statement.sql);
                let program = self
                    .elsewhere(move |connection| Ok(Program::of(connection, &sql)))
                    .await?;
                // Of a text that does not compile nothing is known, and none is remembered: it may compile later.
                if let Some(program) = program {
                    self.programs
                        .insert(Arc::clone(&statement.sql), program, self.statement_cache);
                }
                program.unwrap_or_else(Program::unknown)
            }
        };
        // Also when it fails: a pragma is carried out in part when it is compiled.
        self.is_changed |= statement.is_raw && program.changes_connection;
        if program.is_write {
            self.take_turns(&statement.schemas).await?;
        }
        Ok(program)
    }

    pub(super) fn may_run_here(&self, program: &Program, statement: &Statement) -> bool {
        !runtime::may_block()
            && program.is_short()
            && (!program.is_write || self.is_commit_short)
            && self.is_light()
            && !statement.values.iter().any(is_large)
    }

    /// Notes what a run on another thread has shown.
    pub(super) fn note_elsewhere(&mut self, sql: &str, ran: Ran, is_definition: bool) {
        if is_definition {
            self.schemas.note_definition();
        }
        self.programs.note(sql, Some(ran), Program::note_elsewhere);
    }

    /// Notes what a run on this thread has shown; `None` for one that had to wait.
    pub(super) fn note_here(&mut self, sql: &str, begun: Instant, ran: Option<Ran>) {
        let had_to_wait = ran.is_none();
        self.programs
            .note(sql, ran, |program| program.note_here(begun, had_to_wait));
    }

    /// Takes the turn to write to the files of these schemas; without one, to that of the database.
    pub(super) async fn take_turns(&mut self, schemas: &[Arc<str>]) -> Result<()> {
        if self.is_read_only {
            return Ok(());
        }
        if schemas.is_empty() {
            return self.take_turn(Arc::clone(&self.writer)).await;
        }
        let mut writers: Vec<_> = schemas
            .iter()
            .map(|schema| self.schemas.writer(schema))
            .collect();
        // In one order, so that two statements never wait for each other.
        writers.sort_by(|one, other| one.path().cmp(other.path()));
        for writer in writers {
            self.take_turn(writer).await?;
        }
        Ok(())
    }

    async fn take_turn(&mut self, writer: Arc<Writer>) -> Result<()> {
        if self.turns.iter().any(|turn| turn.is_of(&writer)) {
            return Ok(());
        }
        let turn = writer.turn(self.watch.limit()).await;
        match turn {
            Ok(turn) => {
                self.turns.push(turn);
                Ok(())
            }
            Err(error) => {
                // Those that were taken for this statement alone.
                self.finish();
                Err(error)
            }
        }
    }

    pub(super) async fn carry_out(&mut self, steps: Option<AttachSteps>) -> Result<()> {
        let Some(steps) = steps else {
            return Ok(());
        };
        let (files, steps) = (Arc::clone(&self.schemas), Arc::new(steps));
        let tried = Arc::clone(&steps);
        self.is_attaching = true;
        let opened = self
            .elsewhere(move |connection| files.apply(connection, &steps))
            .await;
        self.is_attaching = false;
        if opened.is_err() && self.attached.forget(&tried) {
            // A file could not be detached, so it is no longer known what the connection has open.
            self.connection = None;
        }
        opened
    }

    /// Runs statements of estoult's own: here, and again on another thread when they would have to wait.
    pub(super) async fn run_control(&mut self, script: String) -> Result<()> {
        if !runtime::may_block() && self.is_commit_short && self.is_light() {
            consume_budget().await;
            let ran = self.here(false, |connection| execute::control(connection, &script));
            if let Here::Done(outcome) = ran {
                return outcome;
            }
        }
        self.elsewhere(move |connection| execute::control(connection, &script))
            .await
    }

    /// Whether a script has a statement that writes, or one that does not compile before the others have run.
    pub(super) async fn has_write(&mut self, script: &Arc<str>) -> Result<bool> {
        let script = Arc::clone(script);
        self.elsewhere(move |connection| {
            let mut texts = sql::texts(&script, Dialect::Sqlite.syntax());
            Ok(texts.any(|text| {
                let is_read = |text| {
                    connection
                        .prepare(text)
                        .is_ok_and(|statement| statement.readonly())
                };
                !is_pragma(text) && !is_read(text)
            }))
        })
        .await
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

pub(super) fn gone() -> Error {
    Error::new(
        ErrorKind::Connection,
        "use a SQLite connection: its last statement was abandoned before it ended",
    )
}

/// Marks the statement abandoned when the future that waits for it is dropped.
struct AbandonGuard(Option<Arc<Watch>>);

impl AbandonGuard {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for AbandonGuard {
    fn drop(&mut self) {
        if let Some(watch) = &self.0 {
            watch.set_abandoned(true);
        }
    }
}
