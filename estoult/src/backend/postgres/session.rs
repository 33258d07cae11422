//! [`PostgresSession`]: what a session with a PostgreSQL server consists of.
//!
//! Invariant: what is not finished lies here and not in futures.

use std::{fmt, sync::Arc};

use super::{
    answer::Answer,
    classify::{classify, lost},
    login::Opened,
    part::Asking,
    shared::SharedState,
    statements::{Preparing, Statements},
    wire::Wire,
};
use crate::{
    backend::{Statement, TransactionStatus},
    error::{Error, ErrorKind, Result},
};

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is noted and asked for by itself"
)]
pub(super) struct PostgresSession {
    pub(super) wire: Wire,
    /// What a cancellation has to present.
    pub(super) key: (i32, i32),
    pub(super) database: Arc<SharedState>,
    pub(super) statements: Statements,
    pub(super) preparing: Preparing,
    /// Names of statements to be closed with the next flight.
    pub(super) closing: Vec<Arc<str>>,
    /// Statements of estoult's own that wait for the next flight: BEGIN, SAVEPOINT.
    pub(super) deferred: Vec<Statement>,
    /// A question for the columns of a table whose answer is not taken yet.
    pub(super) asking: Option<Asking>,
    pub(super) transactions_ended: u64,
    /// Whether what was sent, and is not answered to its end, may do so. A failure does not undo all of it: not a lock
    /// that outlives transactions.
    pub(super) may_change: bool,
    /// Whether statements of a pipeline are under way that are committed one by one and may write.
    pub(super) commits_each: bool,
    /// Whether the program's own SQL may have changed what the next caller would meet.
    pub(super) is_changed: bool,
    /// Whether user and password came from the program and not from the address.
    pub(super) has_credentials: bool,
    /// Whether the program's hooks have prepared it since it was opened or reset.
    pub(super) is_prepared: bool,
}

impl fmt::Debug for PostgresSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSession")
            .field("process", &self.key.0)
            .field("transaction", &self.status())
            .field("owed", &self.wire.owed)
            .field("is_broken", &self.wire.is_lost())
            .finish()
    }
}

impl PostgresSession {
    pub(super) fn new(opened: Opened, database: Arc<SharedState>, has_credentials: bool) -> Self {
        Self {
            wire: opened.wire,
            key: opened.key,
            statements: Statements::new(database.statement_cache()),
            database,
            preparing: Preparing::default(),
            closing: Vec::new(),
            deferred: Vec::new(),
            asking: None,
            transactions_ended: 0,
            may_change: false,
            commits_each: false,
            is_changed: false,
            has_credentials,
            is_prepared: false,
        }
    }

    /// Registers the socket with the caller's runtime. A session whose socket is lost on the way is not used again.
    #[inline]
    pub(super) fn attach(&mut self) -> Result<()> {
        let attached = self.wire.stream.attach();
        if attached.is_err() && self.wire.stream.socket().is_lost() {
            self.wire.give_up();
        }
        attached
    }

    /// Registers the socket with the caller's runtime, and refuses a session that still works for an earlier caller.
    pub(super) fn prepare_to_send(&mut self) -> Result<()> {
        // The answer to a question of the session itself is taken before that of the next statement.
        let asked = usize::from(self.asking.is_some());
        if self.wire.is_lost() || self.wire.owed > asked {
            return Err(Error::new(
                ErrorKind::Connection,
                "use a PostgreSQL connection: an earlier statement on it was abandoned before it ended",
            ));
        }
        if self.wire.has_buffered() {
            self.take_unasked()?;
        }
        self.attach()
    }

    /// Takes what has arrived unasked. Anything but notices, parameters and notifications would be taken for the answer
    /// to the next statement; what ends the session says why.
    #[cold]
    pub(super) fn take_unasked(&mut self) -> Result<()> {
        let message = self.wire.buffered();
        self.wire.report_notices(&[]);
        let answer = match message {
            Ok(None) => return Ok(()),
            Ok(Some(message)) if message.tag == b'E' => Answer::read(self.wire.body(&message)),
            Ok(Some(_)) => return Err(lost(self.wire.garbled("an answer to nothing"))),
            Err(error) => return Err(self.lost(error)),
        };
        self.wire.give_up();
        Err(classify("use a connection", &answer, &[]))
    }

    /// The state of the transaction; one whose BEGIN is deferred is open.
    pub(super) fn status(&self) -> TransactionStatus {
        match self.wire.status {
            TransactionStatus::Idle if !self.deferred.is_empty() => TransactionStatus::Open,
            status => status,
        }
    }
}
