//! Running statements: with what was deferred before them, and again where the server refused them before they ran.
//!
//! What estoult itself begins (BEGIN, SAVEPOINT) waits for the next statement and travels in its flight. It is never
//! sent as a script, nor in a unit of its own before another one: a statement behind a BEGIN that failed would run.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use estoult_sql::session::effects;

use super::{
    answer::Answer,
    bind::Declared,
    classify::{classify, is_missing, is_stale_plan, is_untyped, outdated_plan, untyped},
    flight::{Failure, TakeRow, no_copy, refuse_text},
    part::{Part, Tag},
    session::PostgresSession,
};
use crate::{
    backend::Statement,
    error::{Error, Result},
    sql::{Control, Dialect, control, texts},
};

impl PostgresSession {
    /// Runs a statement, together with what was deferred.
    pub(super) async fn run(
        &mut self,
        statement: &Statement,
        take_row: &mut TakeRow<'_>,
    ) -> Result<Part> {
        self.prepare_to_send()?;
        let mut declared = self.database.declared(statement);
        let mut is_reopened = false;
        loop {
            let deferred = std::mem::take(&mut self.deferred);
            let was_open = self.wire.status.is_open();
            let (parts, outcome) = self.fly(&deferred, statement, declared, take_row).await?;
            let failure = match outcome {
                Ok(()) => return last(parts),
                Err(failure) => failure,
            };
            // Once: a server that closes the next one as well may go on doing so.
            let may_reopen = !was_open && !std::mem::replace(&mut is_reopened, true);
            if may_reopen && self.reopen(&deferred, &parts, &failure).await {
                self.deferred = deferred;
                continue;
            }
            let (answer, at) = match failure {
                Failure::Answer(answer, at) => (answer, at),
                failure => return Err(self.fail(failure, statement)),
            };
            // What was deferred may be what the server does not have any more.
            let failed = parts.get(at);
            let stale = failed.filter(|part| !part.is_new && is_stale_plan(&answer));
            if let Some(part) = stale {
                self.forget(part, &answer);
            } else if at == deferred.len() && is_untyped(&answer) && declared != Declared::Always {
                declared = Declared::Always;
                self.database.declare_always(&statement.sql);
            } else {
                return Err(self.refused(&answer, statement));
            }
            // A transaction that has run statements is aborted now; one that had just begun is begun again.
            if was_open {
                let error = if stale.is_some() {
                    outdated_plan(&answer)
                } else {
                    untyped(&answer)
                };
                return Err(error.with_statement(&statement.sql));
            }
            if self.wire.status.is_open() {
                self.run_control(&["rollback"]).await?;
            }
            self.deferred = deferred;
        }
    }

    /// One flight: what was deferred, then the statement.
    async fn fly(
        &mut self,
        deferred: &[Statement],
        statement: &Statement,
        declared: Declared,
        take_row: &mut TakeRow<'_>,
    ) -> Result<(Vec<Part>, Result<(), Failure>)> {
        self.queue_closes();
        let mut parts = Vec::with_capacity(deferred.len() + 1);
        let length = self.wire.out.len();
        for text in deferred {
            parts.push(self.queue(text, Declared::ByKind)?);
        }
        match self.queue(statement, declared) {
            Ok(part) => parts.push(part),
            Err(error) => {
                // Nothing was sent, so what was deferred waits for the next statement.
                self.wire.out.truncate(length);
                self.preparing.clear();
                self.deferred = deferred.to_vec();
                return Err(error);
            }
        }
        self.wire.queue_sync();
        let outcome = self.answers(&mut parts, &statement.values, take_row).await;
        Ok((parts, outcome))
    }

    /// Runs statements of estoult's own, with what was deferred, in one flight.
    pub(super) async fn run_control(&mut self, texts: &[&str]) -> Result<Vec<Part>> {
        let deferred = std::mem::take(&mut self.deferred);
        let texts = texts.iter().map(|text| Statement::plain(*text));
        self.queue_closes();
        let mut parts = Vec::new();
        for statement in deferred.into_iter().chain(texts) {
            parts.push(self.queue(&statement, Declared::ByKind)?);
        }
        self.wire.queue_sync();
        let outcome = self.answers(&mut parts, &[], &mut |_, _| Ok(())).await;
        match outcome {
            Ok(()) => Ok(parts),
            Err(Failure::Answer(answer, at)) if is_missing(&answer) => {
                if let Some(part) = parts.get(at) {
                    self.forget(part, &answer);
                }
                Err(outdated_plan(&answer))
            }
            Err(failure) => Err(self.fail(failure, &Statement::plain(""))),
        }
    }

    /// The error for a failure that ends a statement.
    pub(super) fn fail(&mut self, failure: Failure, statement: &Statement) -> Error {
        match failure {
            Failure::Answer(answer, _) => self.refused(&answer, statement),
            Failure::Own(error) => error.with_statement(&statement.sql),
            Failure::Lost(error) => self.lost(error).with_statement(&statement.sql),
        }
    }

    fn refused(&mut self, answer: &Answer, statement: &Statement) -> Error {
        if answer.is_fatal() {
            self.wire.give_up();
        }
        let error = if is_untyped(answer) {
            untyped(answer)
        } else {
            classify("run a statement", answer, &statement.values)
        };
        error.with_statement(&statement.sql)
    }

    /// Runs a script of the program's own.
    pub(super) async fn run_script(&mut self, script: &str) -> Result<(), Failure> {
        let syntax = Dialect::Postgres.syntax();
        self.is_changed |= effects(script, syntax).session;
        // The tag of ROLLBACK TO is that of ROLLBACK, so only here the text tells whether a transaction was ended.
        let rolls_back = texts(script, syntax)
            .any(|text| matches!(control(text, syntax), Control::Rollback { .. }));
        let queued = self.wire.queue_script(script);
        queued.map_err(|error| Failure::Own(refuse_text(&Arc::from(script), &error)))?;
        self.take_asked().await?;
        let mut failure = None;
        loop {
            let message = match self.wire.next().await {
                Ok(message) => message,
                Err(error) => return Err(failure.unwrap_or(Failure::Lost(error))),
            };
            match message.tag {
                b'Z' => break,
                b'E' => {
                    let answer = Box::new(Answer::read(self.wire.body(&message)));
                    failure.get_or_insert(Failure::Answer(answer, 0));
                }
                b'C' => {
                    let tag = Tag::read(self.wire.body(&message));
                    self.note_tag(tag, || rolls_back);
                }
                b'G' | b'H' => {
                    self.refuse_copy(message.tag)?;
                    failure.get_or_insert_with(|| Failure::Own(no_copy(message.tag)));
                }
                b'T' | b'D' | b'I' | b'd' | b'c' => {}
                _ => return Err(self.wire.garbled("an answer that is not known").into()),
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// Takes back what was deferred where a statement would only end it again; nothing is sent then.
    pub(super) fn withdraw(&mut self, script: &str) -> bool {
        let Some(last) = self.deferred.last() else {
            return false;
        };
        let ends_transaction = script == "commit" || script == "rollback";
        if ends_transaction && !self.wire.status.is_open() {
            self.deferred.clear();
            return true;
        }
        // `release savepoint x`, and `rollback to savepoint x; release savepoint x`.
        let name = script.rsplit(' ').next();
        let is_last = last.sql.strip_prefix("savepoint ") == name;
        if is_last {
            self.deferred.pop();
        }
        is_last
    }

    /// Looks whether the server has closed the connection, as far as that has arrived, without a round trip. An idle
    /// server says little, unless it is about to do so.
    pub(super) async fn check_alive(&mut self) -> Result<()> {
        while self.deferred.is_empty() && self.wire.stream.socket().has_input() {
            if !self.wire.stream.is_encrypted() {
                self.take_unasked().await?;
                continue;
            }
            // What has arrived may be a record of TLS itself, behind which nothing comes.
            let taken = poll_fn(|context| Poll::Ready(pin!(self.take_unasked()).poll(context)));
            match taken.await {
                Poll::Ready(taken) => taken?,
                Poll::Pending => break,
            }
        }
        Ok(())
    }

    /// Waits for what the server says unasked. What ends the session is an error, and says why; notifications and
    /// parameters are taken care of by the wire.
    pub(super) async fn take_unasked(&mut self) -> Result<()> {
        if let Err(error) = self.wire.fill().await {
            return Err(self.lost(error));
        }
        let message = match self.wire.buffered() {
            Ok(None) => return Ok(()),
            Ok(Some(message)) => message,
            Err(error) => return Err(self.lost(error)),
        };
        let answer = Answer::read(self.wire.body(&message));
        self.wire.give_up();
        Err(classify("use a connection", &answer, &[]))
    }
}

/// The statement itself, behind what was deferred.
fn last(mut parts: Vec<Part>) -> Result<Part> {
    let part = parts.pop();
    part.ok_or_else(|| Error::internal("a flight without a statement was sent"))
}
