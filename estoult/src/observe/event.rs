//! [`Event`]: what has happened, where, for which call, and how long it took.

use std::{panic::Location, time::Duration};

use crate::{context::Context, error::Error};

/// What has happened, in which database, for which call, and how long it took.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Event<'e> {
    /// What was done.
    pub operation: Operation,
    /// The name of the database in its registry; `default` if it has none.
    pub database: &'e str,
    /// The place in the program that asked for it: of a transaction's end, where it was begun; `None` where estoult
    /// acts by itself, as when it opens the first connections.
    pub origin: Option<&'static Location<'static>>,
    /// The scope that it ran in, with its tags.
    pub context: &'e Context,
    /// The text that was sent, with placeholders where values were bound; empty for [`Operation::Acquire`] and
    /// [`Operation::Connect`].
    pub sql: &'e str,
    /// How many statements travelled together: more than one in a pipeline, whose statements share their `run`.
    pub together: usize,
    /// How long the caller waited for a connection: of an acquire, and of the first statement after it.
    pub queued: Duration,
    /// How long the database and the way to it took. What begins a transaction on PostgreSQL travels with the first
    /// statement, and takes no time itself.
    pub run: Duration,
    /// How long decoding the rows took, beside `run`.
    pub decoded: Duration,
    /// How many rows were returned, inserted, changed or deleted, where that is known.
    pub rows: Option<u64>,
    /// How it ended.
    pub completion: Completion<'e>,
}

impl Event<'_> {
    /// The error, if it failed.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        match self.completion {
            Completion::Failed(error) => Some(error),
            Completion::Done | Completion::Dropped => None,
        }
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// A connection was opened.
    Connect,
    /// A caller got a connection.
    Acquire,
    /// A statement ran, of a verb or of raw SQL.
    Statement,
    /// A script ran.
    Script,
    /// Data were copied as a stream, at the pace of the program.
    Copy,
    /// A transaction began.
    Begin,
    /// A transaction was committed.
    Commit,
    /// A transaction was rolled back. [`Completion::Dropped`] says that it was dropped: its rollback follows in the
    /// background.
    Rollback,
    /// A savepoint was set, released or rolled back to; the text says which.
    Savepoint,
}

impl Operation {
    /// Whether it sends a text.
    pub(super) fn has_text(self) -> bool {
        !matches!(self, Self::Connect | Self::Acquire)
    }
}

/// How an operation ended.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Completion<'e> {
    /// It succeeded.
    Done,
    /// It failed.
    Failed(&'e Error),
    /// Its future was dropped, such as by a timeout of the program; whether it took effect is not known.
    Dropped,
}
