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
    classify::{aborted, classify, outdated_plan, untyped},
    flight::{Failure, TakeRow, refuse_text},
    operations::SET_VARIABLE,
    part::{Part, Tag},
    session::PostgresSession,
};
use crate::{
    backend::Statement,
    error::{Error, Result},
    sql::{Control, Dialect, control, texts},
    value::Datum,
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
            // Boxed, here and below: what hardly ever happens would make the future of each statement larger.
            if may_reopen && Box::pin(self.reopen(&deferred, &parts, &failure)).await {
                self.deferred = deferred;
                continue;
            }
            let Failure::Answer(answer, at) = &failure else {
                return Err(self.fail(failure, statement));
            };
            // What was deferred may be what the server does not have any more.
            let failed = parts.get(*at);
            let is_stale = failed.is_some_and(|part| part.is_stale(answer));
            let is_untyped = *at == deferred.len()
                && declared != Declared::Always
                && failed.is_some_and(|part| part.is_untyped(answer));
            if is_untyped {
                declared = Declared::Always;
                self.database.declare_always(&statement.sql);
            }
            // A transaction that has run statements is aborted now; one that had just begun is begun again.
            if was_open || !(is_stale || is_untyped) {
                return Err(match failed_variable(&failure, &deferred) {
                    Some(variable) => self.fail_variable(failure, variable),
                    None => self.fail_flight(failure, &parts, statement),
                });
            }
            if let Some(part) = failed.filter(|_| is_stale) {
                self.forget(part, answer);
            }
            Box::pin(self.begin_again(deferred)).await?;
        }
    }

    /// Defers again what was sent and has come to nothing.
    pub(super) async fn begin_again(&mut self, deferred: Vec<Statement>) -> Result<()> {
        if self.wire.status.is_open() {
            self.run_control(&["rollback"]).await?;
        }
        self.deferred = deferred;
        Ok(())
    }

    /// Gets ready to send a unit of another kind, with what was deferred run by itself: behind a BEGIN that fails, the
    /// server skips the rest of its own unit only, and would run the next one outside of any transaction.
    pub(super) async fn begin_unit(&mut self) -> Result<()> {
        self.prepare_to_send()?;
        if !self.deferred.is_empty() {
            self.run_control(&[]).await?;
        }
        Ok(())
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
        let mut parts = self.queue_all(deferred, &[(statement, declared)])?;
        self.wire.queue_sync();
        let outcome = self.answers(&mut parts, &statement.values, take_row).await;
        Ok((parts, outcome))
    }

    /// Runs statements of estoult's own, with what was deferred, in one flight.
    pub(super) async fn run_control(&mut self, texts: &[&str]) -> Result<Vec<Part>> {
        let deferred = std::mem::take(&mut self.deferred);
        let texts: Vec<_> = texts.iter().map(|text| Statement::plain(*text)).collect();
        let texts: Vec<_> = texts.iter().map(|text| (text, Declared::ByKind)).collect();
        self.queue_closes();
        let mut parts = self.queue_all(&deferred, &texts)?;
        self.wire.queue_sync();
        let outcome = self.answers(&mut parts, &[], &mut |_, _| Ok(())).await;
        match outcome {
            Ok(()) => Ok(parts),
            Err(failure) => Err(match failed_variable(&failure, &deferred) {
                Some(variable) => self.fail_variable(failure, variable),
                None => self.fail_flight(failure, &parts, &Statement::plain("")),
            }),
        }
    }

    /// The error for a failure that ends a flight of these statements. What the server does not have any more is
    /// forgotten, so that the next flight prepares it.
    pub(super) fn fail_flight(
        &mut self,
        failure: Failure,
        parts: &[Part],
        statement: &Statement,
    ) -> Error {
        let (answer, part) = match &failure {
            Failure::Answer(answer, at) => (answer, parts.get(*at)),
            Failure::Own(_) | Failure::Lost(_) => return self.fail(failure, statement),
        };
        let error = match part {
            Some(part) if part.is_stale(answer) => {
                self.forget(part, answer);
                outdated_plan(answer)
            }
            Some(part) if part.is_untyped(answer) => untyped(answer),
            // In a transaction, which the statement that was to prepare it has aborted.
            Some(part) if part.is_unprepared(answer) => aborted(),
            _ => return self.fail(failure, statement),
        };
        error.with_statement(&statement.sql)
    }

    /// The error for a variable of a transaction that was sent with BEGIN.
    fn fail_variable(&mut self, failure: Failure, variable: &Statement) -> Error {
        let error = self.fail(failure, variable);
        match variable.values.first() {
            Some(Datum::Text(name)) => {
                error.context(&format!("set the variable `{name}` of a transaction"))
            }
            _ => error,
        }
    }

    /// The error for a failure that ends a statement.
    pub(super) fn fail(&mut self, failure: Failure, statement: &Statement) -> Error {
        let error = match failure {
            Failure::Answer(answer, _) => {
                if answer.is_fatal() {
                    self.wire.give_up();
                }
                classify("run a statement", &answer, &statement.values)
            }
            Failure::Own(error) => error,
            Failure::Lost(error) => self.lost(error),
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
        // The end of the question would be taken for that of the script.
        self.take_asked().await?;
        let queued = self.wire.queue_script(script);
        queued.map_err(|error| Failure::Own(refuse_text(&Arc::from(script), &error)))?;
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
                    let refused = self.refuse_copy(message.tag)?;
                    failure.get_or_insert(refused);
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
        let ends_transaction = matches!(
            control(script, Dialect::Postgres.syntax()),
            Control::Commit { chain: false } | Control::Rollback { chain: false }
        );
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
                self.wait_unasked().await?;
                continue;
            }
            // What has arrived may be a record of TLS itself, behind which nothing comes.
            let taken = poll_fn(|context| Poll::Ready(pin!(self.wait_unasked()).poll(context)));
            match taken.await {
                Poll::Ready(taken) => taken?,
                Poll::Pending => break,
            }
        }
        Ok(())
    }

    /// Waits for what the server says unasked.
    pub(super) async fn wait_unasked(&mut self) -> Result<()> {
        match self.wire.fill().await {
            Ok(()) => self.take_unasked(),
            Err(error) => Err(self.lost(error)),
        }
    }
}

/// The statement that sets a variable of the transaction, if a flight has failed with it.
fn failed_variable<'s>(failure: &Failure, deferred: &'s [Statement]) -> Option<&'s Statement> {
    match failure {
        Failure::Answer(_, at) => deferred.get(*at).filter(|own| &*own.sql == SET_VARIABLE),
        Failure::Own(_) | Failure::Lost(_) => None,
    }
}

/// The statement itself, behind what was deferred.
fn last(mut parts: Vec<Part>) -> Result<Part> {
    let part = parts.pop();
    part.ok_or_else(|| Error::internal("a flight without a statement was sent"))
}
