//! What a session knows of its transaction: told by the statements of estoult's own, and by the server after a failure
//! and after SQL of the program's own.
//!
//! Invariant: what is not known is asked, and a session that gets no answer is broken.

use estoult_sql::{
    session::effects,
    statements::texts,
    transaction::{Control, control},
};

use super::wire::Wire;
use crate::{
    backend::TransactionStatus,
    error::{Error, Result},
    sql::{Dialect, Syntax},
};

/// Set around the program's own SQL: when it is gone afterwards, the transaction is another one or none.
const SET_WITNESS: &str = "savepoint estoult_witness";
const RELEASE_WITNESS: &str = "release savepoint estoult_witness";
/// Of MySQL, which has no setting that says whether a transaction is open: outside of one, a savepoint is gone at the
/// end of its statement.
const PROBE: &str = "savepoint estoult_witness; release savepoint estoult_witness";
/// "SAVEPOINT … does not exist".
const NO_SAVEPOINT: &str = "1305";

/// What has to be asked after a statement to know the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// Nothing, unless the statement failed.
    Nothing,
    /// Whether a transaction is open.
    Status,
    /// Whether the one that was open still is.
    Witness,
}

/// The transaction of a session.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    has_begun: bool,
    /// Each statement then belongs to a transaction that has to be ended.
    is_autocommit_off: bool,
    ended: u64,
    /// Whether the program's own SQL may have changed what others would meet on the session.
    is_session_changed: bool,
}

impl Transaction {
    pub(super) fn status(&self) -> TransactionStatus {
        match self.is_open() {
            true => TransactionStatus::Open,
            false => TransactionStatus::Idle,
        }
    }

    /// How many have ended.
    pub(super) fn ended(&self) -> u64 {
        self.ended
    }

    /// Notes that the program may have changed the session.
    pub(super) fn note_session_change(&mut self) {
        self.is_session_changed = true;
    }

    /// What was changed so far belongs to the session from now on.
    pub(super) fn keep_session(&mut self) {
        self.is_session_changed = false;
    }

    pub(super) fn is_session_changed(&self) -> bool {
        self.is_session_changed
    }

    fn is_open(&self) -> bool {
        self.has_begun || self.is_autocommit_off
    }

    /// Prepares for SQL of the program's own.
    pub(super) async fn before_own(&mut self, wire: &mut Wire, text: &str) -> Result<Ask> {
        let syntax = wire.dialect.syntax();
        let effects = effects(text, syntax);
        self.is_session_changed |= effects.session;
        if !effects.transaction {
            return Ok(Ask::Nothing);
        }
        if !self.is_open() {
            return Ok(Ask::Status);
        }
        // Releasing the witness would release the savepoints after it, so for a text that sets some the text decides.
        let savepoints = Savepoints::of(text, syntax);
        if savepoints.are_touched {
            if savepoints.is_ended {
                self.note_end();
            }
            return Ok(Ask::Status);
        }
        match wire.run(SET_WITNESS).await {
            Ok(()) => Ok(Ask::Witness),
            Err(error) if wire.is_broken => Err(error),
            // A two-phase transaction that has ended its first phase takes no savepoint.
            Err(_) => Ok(Ask::Status),
        }
    }

    /// Learns what a statement of estoult's own, or the program's, has done.
    pub(super) async fn after(&mut self, wire: &mut Wire, ask: Ask, failure: Option<&Error>) {
        // What estoult cannot read is no failure of the database.
        let failure = failure.filter(|failure| failure.code().is_some());
        let was_open = self.is_open();
        if wire.is_broken || ask == Ask::Nothing && !(was_open && failure.is_some()) {
            return;
        }
        let asked = match (ask, failure) {
            (Ask::Witness, _) => self.ask_witness(wire).await,
            (Ask::Nothing, Some(failure)) => self.ask_after(wire, failure).await,
            _ => self.ask(wire).await,
        };
        let cleared = match asked {
            // MySQL begins the next transaction by itself where a conflict has ended one.
            Ok(()) if was_open && !self.is_open() && failure.is_some() => {
                wire.run("rollback").await
            }
            asked => asked,
        };
        wire.is_broken |= cleared.is_err();
    }

    /// Learns what a script of estoult's own has done to the transaction.
    pub(super) async fn after_control(&mut self, wire: &mut Wire, script: &str) {
        self.note(script, wire.dialect.syntax());
        // With `completion_type`, for example, a COMMIT begins the next transaction.
        if self.is_session_changed {
            self.after(wire, Ask::Status, None).await;
        }
    }

    async fn ask_witness(&mut self, wire: &mut Wire) -> Result<()> {
        match wire.run(RELEASE_WITNESS).await {
            Ok(()) if self.is_session_changed => self.ask(wire).await,
            Ok(()) => Ok(()),
            Err(error) if error.code() == Some(NO_SAVEPOINT) => {
                self.note_end();
                self.ask(wire).await
            }
            Err(error) => Err(error),
        }
    }

    /// Asks whether a failed statement has ended the transaction.
    async fn ask_after(&mut self, wire: &mut Wire, failure: &Error) -> Result<()> {
        if wire.dialect == Dialect::MariaDb {
            return self.ask(wire).await;
        }
        // A savepoint would be set in the transaction that MySQL has begun by itself, so the numbers decide.
        let is_end = match failure.code() {
            Some("1205") => wire.number("select @@innodb_rollback_on_timeout").await? != 0,
            code => matches!(code, Some("1020" | "1206" | "1213" | "3101")),
        };
        if is_end {
            self.note_end();
        }
        Ok(())
    }

    /// Asks the server whether a transaction is open.
    async fn ask(&mut self, wire: &mut Wire) -> Result<()> {
        let is_open = match wire.dialect {
            Dialect::MariaDb => wire.number("select @@in_transaction").await? != 0,
            _ => match wire.run(PROBE).await {
                Ok(()) => true,
                Err(error) if error.code() == Some(NO_SAVEPOINT) => false,
                Err(error) => return Err(error),
            },
        };
        self.is_autocommit_off =
            self.is_session_changed && wire.number("select @@autocommit").await? == 0;
        if !is_open && !self.is_autocommit_off {
            self.note_end();
        }
        self.has_begun = is_open;
        Ok(())
    }

    /// Notes a script of estoult's own that has run.
    fn note(&mut self, script: &str, syntax: &Syntax) {
        for text in texts(script, syntax) {
            match control(text, syntax) {
                // A second BEGIN commits the first transaction.
                Control::Begin => {
                    self.note_end();
                    self.has_begun = true;
                }
                Control::Commit { chain } | Control::Rollback { chain } => {
                    self.note_end();
                    self.has_begun = chain;
                }
                Control::ImplicitCommit => self.note_end(),
                Control::Savepoint
                | Control::Release
                | Control::RollbackTo
                | Control::SetAutocommit(_)
                | Control::Unknown
                | Control::None => {}
            }
        }
    }

    /// Notes that the transaction that was open is not open any more.
    fn note_end(&mut self) {
        if self.is_open() {
            self.ended += 1;
        }
        self.has_begun = false;
    }
}

/// What the text of a program shows of savepoints.
struct Savepoints {
    are_touched: bool,
    is_ended: bool,
}

impl Savepoints {
    fn of(script: &str, syntax: &Syntax) -> Self {
        let mut found = Self {
            are_touched: false,
            is_ended: false,
        };
        for text in texts(script, syntax) {
            match control(text, syntax) {
                Control::Savepoint | Control::Release | Control::RollbackTo => {
                    found.are_touched = true;
                }
                Control::Begin
                | Control::Commit { .. }
                | Control::Rollback { .. }
                | Control::ImplicitCommit
                | Control::SetAutocommit(true) => found.is_ended = true,
                Control::SetAutocommit(false) | Control::Unknown | Control::None => {}
            }
        }
        found
    }
}
