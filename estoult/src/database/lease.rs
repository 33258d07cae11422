//! A connection in somebody's hands: the [`Lease`], and the [`LeaseSource`] that gives and takes it.
//!
//! Invariant: a lease is marked busy before each operation and clean after it; one that comes back busy, or inside of a
//! transaction, is closed and never handed out again.

mod holder;

use std::{fmt, panic::Location, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::runtime::Handle;

pub(crate) use self::holder::{Holder, SharedHolder};
use crate::{
    backend::{Dialect, Features, Outcome, Session, Statement},
    blocking,
    database::DatabaseOptions,
    error::{Conflict, Error, ErrorKind, Result},
    row::{Collected, Decode, Sink},
};

/// How long a connection that is thrown away may take for its good-bye.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// Where a database's connections come from. A pool, a cluster or anything else that has sessions implements it.
#[async_trait]
pub trait LeaseSource: fmt::Debug + Send + Sync + 'static {
    /// The way of writing SQL, as far as it is known.
    fn dialect(&self) -> Dialect;

    /// A connection that comes back to this source.
    ///
    /// # Errors
    ///
    /// `Timeout` when none is free in time, `Connection` when none can be opened.
    async fn acquire(&self, origin: &'static Location<'static>) -> Result<Lease>;

    /// A connection for this once, that is closed afterwards.
    ///
    /// # Errors
    ///
    /// `Timeout` and `Connection` when none can be opened.
    async fn acquire_once(&self, origin: &'static Location<'static>) -> Result<Lease>;

    /// Opens connections until there are so many that nobody uses, to be kept for the runtime of the caller. There may
    /// be more time than `acquire` has: the caller sets the limit.
    ///
    /// # Errors
    ///
    /// `Timeout` and `Connection` when one can't be opened.
    async fn warm(&self, connections: usize) -> Result<()>;

    /// The settings of the connections, and of connecting as a whole.
    fn options(&self) -> &DatabaseOptions;

    /// How many connections there are.
    fn status(&self) -> PoolStatus;

    /// Who holds connections, a text each: place, age, whether in a transaction.
    fn held_by(&self) -> Vec<String>;

    /// A first lifespan begins: connections that come back are kept from now on. It is called under a lock and does
    /// not wait.
    fn begin(&self);

    /// The last lifespan has ended: connections that were opened so far are no longer kept when they come back, nor
    /// handed out. It is called under a lock, does not wait, and closes nothing yet.
    fn end(&self);

    /// Closes in the background what nobody uses and belongs to lifespans that have ended; tells how many.
    fn sweep(&self) -> usize;

    /// Closes what belongs to lifespans that have ended: what nobody uses at once, the rest when it comes back, as far
    /// as that happens in time.
    async fn drain(&self, within: Duration) -> Drained;
}

/// What [`LeaseSource::drain`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drained {
    /// How many connections were closed.
    pub closed: usize,
    /// Who still holds one, a text each. They are closed when they come back.
    pub held_by: Vec<String>,
}

impl Drained {
    /// Whether nobody holds one any more.
    pub(crate) fn complete(&self, address: &str, within: Duration) -> Result<()> {
        if self.held_by.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Timeout,
            format!(
                "close {address}: connections were still in use after {within:?}, held by {}; they are closed when \
                 they come back",
                self.held_by.join("; ")
            ),
        ))
    }
}

/// How many connections a database has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatus {
    /// How many are open.
    pub open: usize,
    /// How many of them are in use.
    pub in_use: usize,
    /// How many callers wait for one.
    pub waiting: usize,
    /// How many there may be.
    pub max: usize,
}

/// What happens to a session that comes back.
pub(crate) trait Home: Send {
    /// Takes a clean session back.
    fn keep(self: Box<Self>, session: Box<dyn Session>);
    /// Frees the session's place; the session itself is closed elsewhere.
    fn forget(self: Box<Self>);
    /// Notes whether the lease is inside of a transaction, for messages about who holds it.
    fn note_transaction(&self, is_open: bool);
    /// Notes that the connection was lost: the others may be lost as well.
    fn note_loss(&self);
}

/// A connection in use. Dropping it gives it back.
pub struct Lease {
    session: Option<Box<dyn Session>>,
    home: Option<Box<dyn Home>>,
    is_busy: bool,
    in_transaction: bool,
    /// Whether the program's own SQL began a transaction that it has not ended.
    has_script_begun: bool,
    /// The first failure within the transaction, after which a commit may keep nothing.
    failure: Option<(ErrorKind, String)>,
    /// Why the database itself ended the transaction.
    ended: Option<Conflict>,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("session", &self.session)
            .field("is_busy", &self.is_busy)
            .field("in_transaction", &self.in_transaction)
            .finish_non_exhaustive()
    }
}

fn abandoned() -> Error {
    Error::new(
        ErrorKind::Connection,
        "use a connection: an earlier statement on it was abandoned before it ended, so the connection is closed and \
         its transaction rolled back",
    )
}

impl Lease {
    pub(crate) fn new(session: Box<dyn Session>, home: Option<Box<dyn Home>>) -> Self {
        Self {
            session: Some(session),
            home,
            is_busy: false,
            in_transaction: false,
            has_script_begun: false,
            failure: None,
            ended: None,
        }
    }

    /// What the database has and lacks.
    #[must_use]
    pub fn features(&self) -> &'static Features {
        match &self.session {
            Some(session) => session.features(),
            None => Dialect::Sqlite.features(),
        }
    }

    /// The session, marked busy until [`Self::done`].
    fn session(&mut self) -> Result<&mut Box<dyn Session>> {
        if self.is_busy {
            return Err(abandoned());
        }
        if let Some(conflict) = self.ended {
            return Err(Error::new(
                ErrorKind::Conflict(conflict),
                "use a transaction: the database has rolled it back because others were in its way; begin it again",
            ));
        }
        match &mut self.session {
            Some(session) => {
                self.is_busy = true;
                Ok(session)
            }
            None => Err(abandoned()),
        }
    }

    fn done<T>(&mut self, outcome: Result<T>) -> Result<T> {
        self.is_busy = false;
        if let Err(error) = &outcome
            && self.in_transaction
        {
            self.note_failure(error);
        }
        outcome
    }

    fn note_failure(&mut self, error: &Error) {
        let (kind, message) = (error.kind().clone(), error.message());
        if let ErrorKind::Conflict(conflict @ (Conflict::Deadlock | Conflict::Serialization)) = kind
            && self.features().conflict_ends_transaction
        {
            self.ended = Some(conflict);
        }
        self.failure
            .get_or_insert_with(|| (kind, message.to_owned()));
    }

    pub(crate) async fn fetch(
        &mut self,
        statement: Statement,
        sink: Box<dyn Sink>,
    ) -> Result<Box<dyn Sink>> {
        if statement.is_raw {
            self.note_script(&statement.sql);
        }
        self.open_schemas(&statement.schemas).await?;
        let outcome = self.session()?.fetch(statement, sink).await;
        self.done(outcome)
    }

    /// The rows of a statement, each decoded as it arrives.
    pub(crate) async fn rows<R: Send + 'static>(
        &mut self,
        statement: Statement,
        decode: Decode<R>,
        table: &'static str,
    ) -> Result<Vec<R>> {
        let sink = Box::new(Collected::new(decode, table));
        self.fetch(statement, sink)
            .await
            .map(Collected::<R>::from_sink)
    }

    pub(crate) async fn execute(&mut self, statement: Statement) -> Result<Outcome> {
        if statement.is_raw {
            self.note_script(&statement.sql);
        }
        self.open_schemas(&statement.schemas).await?;
        let outcome = self.session()?.execute(statement).await;
        self.done(outcome)
    }

    /// Makes the schemas that a statement is about known to the connection, where each has to be opened.
    async fn open_schemas(&mut self, schemas: &[Arc<str>]) -> Result<()> {
        if schemas.is_empty() {
            return Ok(());
        }
        let outcome = self.session()?.open_schemas(schemas).await;
        self.done(outcome)
    }

    /// Makes a schema, where that is no statement.
    pub(crate) async fn create_schema(&mut self, name: &str) -> Result<()> {
        let outcome = self.session()?.create_schema(name).await;
        self.done(outcome)
    }

    /// Drops a schema with all that is in it, where that is no statement.
    pub(crate) async fn drop_schema(&mut self, name: &str) -> Result<()> {
        let outcome = self.session()?.drop_schema(name).await;
        self.done(outcome)
    }

    /// The names of the schemas, where no statement tells.
    pub(crate) async fn schemas(&mut self) -> Result<Vec<String>> {
        let outcome = self.session()?.schemas().await;
        self.done(outcome)
    }

    pub(crate) async fn batch(&mut self, script: &str, schemas: &[Arc<str>]) -> Result<()> {
        self.open_schemas(schemas).await?;
        let begins = self.note_script(script);
        let outcome = self.control(script).await;
        // A script that failed may not have come to its own end of the transaction.
        self.has_script_begun |= begins && outcome.is_err();
        outcome
    }

    /// Runs statements of estoult's own.
    pub(crate) async fn control(&mut self, script: &str) -> Result<()> {
        let outcome = self.session()?.batch(script).await;
        self.done(outcome)
    }

    /// A program's own SQL may begin a transaction and leave it open: a lease that comes back so counts as inside of
    /// one. Gives whether it begins one at all.
    fn note_script(&mut self, script: &str) -> bool {
        let mut begins = false;
        for statement in script.split(';') {
            let words: Vec<_> = statement
                .split_whitespace()
                .take(2)
                .map(str::to_ascii_lowercase)
                .collect();
            match words
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .as_slice()
            {
                ["begin", ..] | ["start", "transaction"] | ["savepoint", ..] => {
                    begins = true;
                    self.has_script_begun = true;
                }
                ["commit" | "end" | "rollback"]
                | ["commit" | "end" | "rollback", "work" | "transaction"] => {
                    self.has_script_begun = false;
                }
                _ => {}
            }
        }
        begins
    }

    /// Begins a transaction. The state is marked before anything is sent: a future that is dropped half way leaves a
    /// lease that counts as inside of one.
    pub(crate) async fn begin(&mut self, statement: &str) -> Result<()> {
        self.mark_transaction(true);
        let begun = self.control(statement).await;
        if begun.is_err() && !self.is_broken() {
            // The server refused it, so no transaction is open.
            self.mark_transaction(false);
        }
        begun
    }

    /// Ends the transaction with COMMIT. Where a failed statement lets nothing be kept, COMMIT would roll back and say
    /// that all is well: a statement before it tells.
    pub(crate) async fn commit(&mut self, statement: &str) -> Result<()> {
        let failure = self.failure.take();
        match failure.filter(|_| self.features().error_aborts_transaction) {
            None => self.control(statement).await?,
            Some((kind, message)) => {
                let committed = self.control(&format!("select 1; {statement}")).await;
                committed.map_err(|error| {
                    if matches!(error.kind(), ErrorKind::Connection) {
                        return error;
                    }
                    Error::new(
                        kind,
                        format!(
                            "commit a transaction: a statement in it failed ({message}), so the database has rolled \
                             back all of it; run what may fail in a savepoint, with `tx.transaction(…)`"
                        ),
                    )
                })?;
            }
        }
        self.mark_transaction(false);
        Ok(())
    }

    /// Ends the transaction with ROLLBACK.
    pub(crate) async fn roll_back(&mut self, statement: &str) -> Result<()> {
        self.ended = None;
        self.control(statement).await?;
        self.mark_transaction(false);
        Ok(())
    }

    /// Rolls back to a savepoint; what failed since then has not happened.
    pub(crate) async fn roll_back_to(&mut self, statement: &str) -> Result<()> {
        self.control(statement).await?;
        self.failure = None;
        Ok(())
    }

    fn mark_transaction(&mut self, is_open: bool) {
        self.in_transaction = is_open;
        (self.failure, self.ended) = (None, None);
        if let Some(home) = &self.home {
            home.note_transaction(is_open);
        }
    }

    fn is_broken(&self) -> bool {
        self.is_busy
            || self
                .session
                .as_ref()
                .is_none_or(|session| session.is_broken())
    }

    /// Whether the connection takes no writes by the way it was opened.
    pub(crate) fn is_read_only(&self) -> bool {
        let told = self
            .session
            .as_ref()
            .and_then(|session| session.is_read_only());
        told.unwrap_or(false)
    }

    pub(crate) fn is_in_transaction(&self) -> bool {
        let told = self
            .session
            .as_ref()
            .and_then(|session| session.is_in_transaction());
        told.unwrap_or(self.in_transaction || self.has_script_begun)
    }

    /// Closes the connection instead of giving it back.
    pub(crate) fn discard(&mut self) {
        if let Some(home) = self.home.take() {
            if self
                .session
                .as_ref()
                .is_some_and(|session| !self.is_busy && session.is_broken())
            {
                home.note_loss();
            }
            home.forget();
        }
        let is_in_transaction = self.is_in_transaction() && !self.is_busy;
        if let Some(session) = self.session.take() {
            close_in_background(session, is_in_transaction);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let is_clean = !self.is_broken() && !self.is_in_transaction();
        match (self.session.take(), self.home.take()) {
            (Some(session), Some(home)) if is_clean => home.keep(session),
            (session, home) => {
                (self.session, self.home) = (session, home);
                self.discard();
            }
        }
    }
}

/// Closes a session within a time limit, without anybody waiting for it. An open transaction is rolled back first, so
/// that its locks go as early as they can.
pub(crate) fn close_in_background(mut session: Box<dyn Session>, is_in_transaction: bool) {
    if session.is_broken() || !blocking::has_background() {
        return;
    }
    // Without a runtime the session is dropped, which closes it without a good-bye.
    let Ok(runtime) = Handle::try_current() else {
        return;
    };
    runtime.spawn(async move {
        let close = async move {
            if is_in_transaction && session.batch("rollback").await.is_err() {
                return;
            }
            session.close().await;
        };
        // Whatever is not done by then is dropped, which closes the socket.
        let _ = tokio::time::timeout(CLOSE_WITHIN, close).await;
    });
}
