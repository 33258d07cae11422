//! What a session learns from the answers to its statements: which ones are prepared, which the server does not have
//! any more, and what they have ended.

use std::{mem, sync::Arc};

use super::{
    answer::Answer,
    classify::is_missing,
    decode::Columns,
    part::{Origin, Part, Tag},
    session::PostgresSession,
    statements::Prepared,
};
use crate::sql::{Control, Dialect, control};

impl PostgresSession {
    /// Takes the description of a statement's columns, with which the server has prepared it.
    pub(super) fn described(&mut self, part: &mut Part, columns: Arc<Columns>) {
        if part.origin == Origin::New && !part.name.is_empty() {
            let prepared = Prepared {
                types: Arc::clone(&part.types),
                name: Arc::clone(&part.name),
                columns: Arc::clone(&columns),
                changes_session: part.changes_session,
            };
            let evicted = self.statements.add(&part.text, prepared);
            self.closing.extend(evicted);
            self.let_go(part);
        }
        part.columns = Some(columns);
    }

    /// Keeps the columns of a statement once all their types are known.
    pub(super) fn describe_again(&mut self, part: &mut Part, columns: Arc<Columns>) {
        self.statements
            .describe(&part.text, &part.types, Arc::clone(&columns));
        part.columns = Some(columns);
    }

    /// Forgets that the server is asked to prepare a statement.
    pub(super) fn let_go(&mut self, part: &Part) {
        if part.origin == Origin::New {
            self.preparing.remove(&part.text, &part.types);
        }
    }

    /// Forgets a prepared statement whose plan is stale; all of them when the server does not have it, since the
    /// program has deallocated it then, and maybe others. They are closed with the next flight: closing what is not
    /// there is no error.
    pub(super) fn forget(&mut self, part: &Part, answer: &Answer) {
        if is_missing(answer) {
            self.closing.extend(self.statements.remove_all());
        } else {
            self.closing
                .extend(self.statements.remove(&part.text, &part.types));
        }
    }

    /// Notes what a statement of the program's own has ended.
    pub(super) fn note_end(&mut self, part: &Part) {
        if part.is_raw {
            // The tag of ROLLBACK TO is that of ROLLBACK, so there the text tells which it was.
            let syntax = Dialect::Postgres.syntax();
            let rolls_back = || control(&part.text, syntax) != Control::RollbackTo;
            self.note_tag(part.tag, rolls_back);
        }
    }

    /// Notes what the program's own SQL has ended: its prepared statements, or a transaction, which is counted.
    pub(super) fn note_tag(&mut self, tag: Tag, rolls_back: impl FnOnce() -> bool) {
        if tag == Tag::Deallocate {
            self.statements.remove_all();
        }
        self.transactions_ended += u64::from(tag.ends_transaction(rolls_back));
    }

    /// Notes that what was sent may have changed the session, also where it failed: a lock may outlive that.
    pub(super) fn note_changes(&mut self) {
        self.is_changed |= mem::take(&mut self.may_change);
    }
}
