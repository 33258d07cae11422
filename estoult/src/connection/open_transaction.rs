//! [`OpenTransaction`]: whether the transaction of a connection is still the one that estoult began.
//!
//! After each answer the session is asked. A transaction that the database has ended by itself, or the program's own
//! SQL, takes nothing any more but a rollback: statements would be committed one by one, or belong to another one.

use std::panic::Location;

use super::limit::Deadline;
use crate::{
    backend::{Session, TransactionStatus},
    error::{Conflict, Error, ErrorKind, Result},
};

/// "In failed SQL transaction".
const ABORTED: &str = "25P02";

/// A transaction that estoult has begun.
#[derive(Debug)]
pub(super) struct OpenTransaction {
    /// How many transactions had ended on the session when this one was open.
    pub(super) ended_before: u64,
    /// The failure that has aborted it, where the database keeps an aborted transaction open.
    pub(super) failure: Option<Failure>,
    /// Why it is no longer open.
    pub(super) lost: Option<Loss>,
    /// What its end has to undo on the session.
    pub(super) end_suffix: &'static str,
    /// Whether the database refuses writes in it by itself.
    pub(super) is_read_only: bool,
    pub(super) deadline: Option<Deadline>,
    /// Where it was begun.
    pub(super) origin: Option<&'static Location<'static>>,
}

#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) kind: ErrorKind,
    pub(super) message: String,
}

#[derive(Debug)]
pub(super) enum Loss {
    /// The database ended it when a statement failed.
    Failed(Failure),
    /// The program's own SQL did.
    Ended,
}

impl OpenTransaction {
    /// An error when the transaction is no longer open.
    pub(super) fn check(&self, tried: &str) -> Result<()> {
        match &self.lost {
            None => Ok(()),
            Some(Loss::Failed(Failure {
                kind: ErrorKind::Conflict(conflict @ (Conflict::Deadlock | Conflict::Serialization)),
                ..
            })) => Err(Error::new(
                ErrorKind::Conflict(*conflict),
                format!(
                    "{tried}: the database has rolled it back because others were in its way; begin it again"
                ),
            )),
            Some(Loss::Failed(Failure { kind, message })) => Err(Error::new(
                kind.clone(),
                format!(
                    "{tried}: the database has rolled all of it back when a statement in it failed ({message}); begin \
                     it again"
                ),
            )),
            Some(Loss::Ended) => Err(Error::configuration(format!(
                "{tried}: the program's own SQL has ended it, so nothing runs in it any more; leave its end to \
                 `commit` and `rollback`"
            ))),
        }
    }

    /// Notes the answer of an operation, and whether the transaction is still open after it.
    pub(super) fn note(&mut self, session: &dyn Session, error: Option<&Error>, is_busy: bool) {
        let failure = error.map(|error| Failure {
            kind: error.kind().clone(),
            message: error.message().to_owned(),
        });
        // The state of a session in the middle of an operation, or without a connection, is not known.
        let is_known = !is_busy && !session.is_broken();
        let is_gone = session.transaction() == TransactionStatus::Idle
            || session.transactions_ended() != self.ended_before;
        if is_known && is_gone && self.lost.is_none() {
            self.lost = Some(failure.clone().map_or(Loss::Ended, Loss::Failed));
        }
        // The first failure that has aborted it is the cause; those after it follow from it. One that the database does
        // not know of, such as a value that does not fit, has aborted nothing.
        let has_followed = error.is_some_and(|error| error.code() == Some(ABORTED));
        if is_known && !has_followed && session.transaction() == TransactionStatus::Failed {
            self.failure = self.failure.take().or(failure);
        }
    }

    /// The error of a statement that the database did not run, since the transaction is aborted, with the cause.
    pub(super) fn explain(&self, error: Error) -> Error {
        match &self.failure {
            Some(Failure { message, .. }) if error.code() == Some(ABORTED) => {
                error.caused_by(message)
            }
            _ => error,
        }
    }
}
