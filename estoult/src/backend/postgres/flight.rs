//! A flight: statements that are sent together under one Sync, and their answers.
//!
//! When one of them fails, the server skips the rest of the flight; it has ended when the server says that it is ready.
//! Invariant: nothing is reported as done before that, since a deferred constraint fails at the Sync.

use std::{io, sync::Arc};

use estoult_sql::{copy::CopyDirection, session::effects};
use postgres_protocol::message::frontend::{self, BindError};

use super::{
    answer::Answer,
    bind::{Declared, format_of, write_parameter},
    classify::lost,
    decode::Columns,
    part::{Origin, Part, Tag},
    session::PostgresSession,
    wire::Message,
};
use crate::{
    backend::Statement,
    error::{Error, ErrorKind, Result},
    sql::Dialect,
    value::Datum,
};

/// What the server gets in place of data.
const COPY_AS_STATEMENT: &str = "COPY FROM STDIN was run as a statement";

/// How many parameters the protocol can count.
const MOST_PARAMETERS: usize = 65_535;

/// The result format of all columns.
const BINARY: i16 = 1;

/// Why a flight failed.
pub(super) enum Failure {
    /// The server answered with an error; the number is that of the statement.
    Answer(Box<Answer>, usize),
    /// A row does not fit, or a statement can't be written.
    Own(Error),
    /// The connection was lost.
    Lost(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

/// Takes the rows of a flight's last statement.
pub(super) type TakeRow<'t> = dyn FnMut(&Columns, &[u8]) -> Result<(), Failure> + Send + 't;

impl PostgresSession {
    /// Queues statements behind what was deferred. When one can't be written nothing is queued, and what was deferred
    /// waits for the next flight.
    pub(super) fn queue_all(
        &mut self,
        deferred: &[Statement],
        statements: &[(&Statement, Declared)],
    ) -> Result<Vec<Part>> {
        let length = self.wire.out.len();
        let mut parts = Vec::with_capacity(deferred.len() + statements.len());
        let own = deferred.iter().map(|text| (text, Declared::ByKind));
        for (statement, declared) in own.chain(statements.iter().copied()) {
            match self.queue(statement, declared) {
                Ok(part) => parts.push(part),
                Err(error) => {
                    self.wire.out.truncate(length);
                    parts.iter().for_each(|part| self.let_go(part));
                    self.deferred = deferred.to_vec();
                    return Err(error);
                }
            }
        }
        Ok(parts)
    }

    /// Queues a statement; nothing of it is queued when it can't be written.
    pub(super) fn queue(&mut self, statement: &Statement, declared: Declared) -> Result<Part> {
        let length = self.wire.out.len();
        let types = statement.values.iter().map(|value| declared.type_of(value));
        let known = self.statements.get(&statement.sql, types.clone()).cloned();
        let part = match known {
            Some(prepared) => Part {
                text: Arc::clone(&statement.sql),
                types: prepared.types,
                name: prepared.name,
                origin: Origin::Prepared,
                is_parsed: true,
                is_raw: statement.is_raw,
                changes_session: prepared.changes_session,
                sends_data: false,
                columns: Some(prepared.columns),
                tag: Tag::None,
            },
            None => self.new_part(statement, types.collect()),
        };
        if let Err(error) = self.write(&part, &statement.values) {
            self.wire.out.truncate(length);
            self.let_go(&part);
            return Err(error);
        }
        self.may_change |= part.changes_session;
        Ok(part)
    }

    fn new_part(&mut self, statement: &Statement, types: Arc<[u32]>) -> Part {
        // An earlier statement of the flight may be the same.
        let known = self.preparing.name(&statement.sql, &types);
        let origin = known.as_ref().map_or(Origin::New, |_| Origin::InFlight);
        let name = match known {
            Some(name) => name,
            None if self.statements.is_enabled() => {
                let name = self.statements.new_name();
                // Should the future be dropped, the statement is closed by its name, whether it was prepared or not.
                self.preparing.add(&statement.sql, &types, &name);
                name
            }
            None => Arc::from(""),
        };
        let syntax = Dialect::Postgres.syntax();
        Part {
            text: Arc::clone(&statement.sql),
            types,
            name,
            origin,
            is_parsed: origin != Origin::New,
            is_raw: statement.is_raw,
            changes_session: statement.is_raw && effects(&statement.sql, syntax).session,
            sends_data: false,
            columns: None,
            tag: Tag::None,
        }
    }

    fn write(&mut self, part: &Part, values: &[Datum]) -> Result<()> {
        let out = &mut self.wire.out;
        let is_named = !part.name.is_empty();
        let refused = |error: io::Error| refuse_text(&part.text, &error);
        if part.types.len() > MOST_PARAMETERS {
            return Err(refuse_values(&part.text, None));
        }
        if part.origin == Origin::New {
            let types = part.types.iter().copied();
            frontend::parse(&part.name, &part.text, types, out).map_err(refused)?;
        }
        if part.origin != Origin::Prepared && is_named {
            frontend::describe(b'S', &part.name, out).map_err(refused)?;
        }
        let formats = part.types.iter().map(|declared| format_of(*declared));
        let values = values.iter().zip(&*part.types);
        let bound = frontend::bind(
            "",
            &part.name,
            formats,
            values,
            |(datum, declared), buffer| write_parameter(buffer, datum, *declared),
            [BINARY],
            out,
        );
        bound.map_err(|error| refuse_values(&part.text, Some(error)))?;
        if !is_named {
            frontend::describe(b'P', "", out).map_err(refused)?;
        }
        frontend::execute("", 0, out).map_err(refused)
    }

    /// Queues the closing of statements that the cache has let go of.
    pub(super) fn queue_closes(&mut self) {
        for name in std::mem::take(&mut self.closing) {
            // A name of the cache has no NUL, which is all that could be wrong with it.
            let _ = frontend::close(b'S', &name, &mut self.wire.out);
        }
    }

    /// Sends what is queued, and takes the answers to a flight of these statements; the rows are those of the last one,
    /// and so are the values, which notices must not show.
    pub(super) async fn answers(
        &mut self,
        parts: &mut [Part],
        values: &[Datum],
        take_row: &mut TakeRow<'_>,
    ) -> Result<(), Failure> {
        // Boxed: only the first COPY into a table asks, and each statement would have room for its future.
        if self.asking.is_some() {
            Box::pin(self.take_asked()).await?;
        }
        let answered = self.read_answers(parts, values, take_row).await?;
        if answered < parts.len() {
            // A statement without an end has not been done.
            return Err(self
                .wire
                .garbled("fewer answers than it got statements")
                .into());
        }
        Ok(())
    }

    /// The same for statements of which some may have been answered before; the number of those that are now.
    pub(super) async fn read_answers(
        &mut self,
        parts: &mut [Part],
        values: &[Datum],
        take_row: &mut TakeRow<'_>,
    ) -> Result<usize, Failure> {
        let mut at = 0;
        let mut failure = None;
        loop {
            let message = self.wire.buffered()?;
            self.wire.report_notices(values);
            let message = match message {
                Some(message) => message,
                None => match self.wire.fill().await {
                    Ok(()) => continue,
                    // The server says why it ends a session before it closes the connection.
                    Err(error) => return Err(failure.unwrap_or(Failure::Lost(error))),
                },
            };
            match message.tag {
                // Statements before the last one are estoult's own, and nothing reads their rows.
                b'D' if at + 1 < parts.len() => {}
                b'D' if failure.is_none() => {
                    let columns = parts.get(at).and_then(|part| part.columns.as_ref());
                    let Some(columns) = columns else {
                        return Err(self.wire.garbled("a row that it did not describe").into());
                    };
                    match take_row(columns, self.wire.body(&message)) {
                        Ok(()) => {}
                        Err(Failure::Lost(error)) => return Err(Failure::Lost(error)),
                        // The rest of the rows is read all the same: only then is the connection free.
                        Err(error) => failure = Some(error),
                    }
                }
                b'D' => {}
                b'Z' => break,
                b'E' => {
                    let answer = Box::new(Answer::read(self.wire.body(&message)));
                    failure.get_or_insert(Failure::Answer(answer, at));
                }
                b'G' | b'H' if !parts.get(at).is_some_and(|part| part.sends_data) => {
                    let refused = self.refuse_copy(message.tag)?;
                    failure.get_or_insert(refused);
                }
                _ => at += self.advance(&message, parts.get_mut(at))?,
            }
        }
        parts.iter().for_each(|part| self.let_go(part));
        self.note_changes();
        failure.map_or(Ok(at), Err)
    }

    /// Takes an answer that is no row, and gives 1 when it ends its statement.
    pub(super) fn advance(
        &mut self,
        message: &Message,
        part: Option<&mut Part>,
    ) -> io::Result<usize> {
        // Bound, closed, and the types of parameters: nothing depends on these.
        if matches!(message.tag, b'2' | b'3' | b't') {
            return Ok(0);
        }
        let Some(part) = part else {
            return Err(self.wire.garbled("more answers than it got statements"));
        };
        match message.tag {
            b'1' => part.is_parsed = true,
            b'T' => {
                let Some(mut columns) = Columns::read(self.wire.body(message)) else {
                    return Err(self
                        .wire
                        .garbled("a description of columns that is cut short"));
                };
                columns.resolve(&self.database.types);
                self.described(part, Arc::new(columns));
            }
            b'n' => self.described(part, Arc::default()),
            b'C' | b'I' => {
                part.tag = Tag::read(self.wire.body(message));
                self.note_end(part);
                return Ok(1);
            }
            // The data of a COPY of estoult's own are on their way, or those of one that was refused.
            b'G' | b'd' | b'c' => {}
            _ => return Err(self.wire.garbled("an answer that is not known")),
        }
        Ok(0)
    }

    /// Tells a server that waits for data that there are none; those that it sends are read and left.
    pub(super) fn refuse_copy(&mut self, response: u8) -> io::Result<Failure> {
        if response != b'G' {
            return Ok(Failure::Own(no_copy(CopyDirection::Out)));
        }
        self.wire.refuse_copy_in(COPY_AS_STATEMENT)?;
        Ok(Failure::Own(no_copy(CopyDirection::In)))
    }

    /// The error for a connection that was lost.
    pub(super) fn lost(&mut self, error: io::Error) -> Error {
        self.wire.give_up();
        lost(error)
    }
}

/// The error for a COPY that was run as a statement.
#[cold]
pub(super) fn no_copy(direction: CopyDirection) -> Error {
    let verb = match direction {
        CopyDirection::In => "copy_in",
        CopyDirection::Out => "copy_out",
    };
    Error::unsupported(format!(
        "run a statement: a COPY whose data pass the connection is none; run it with `estoult::copy::{verb}`"
    ))
}

#[cold]
pub(super) fn refuse_text(text: &Arc<str>, error: &io::Error) -> Error {
    Error::new(
        ErrorKind::Query,
        format!("send a statement: {error}; its text must not contain the character NUL"),
    )
    .with_statement(text)
}

#[cold]
fn refuse_values(text: &Arc<str>, error: Option<BindError>) -> Error {
    let reason = match error {
        Some(BindError::Conversion(error)) => error.to_string(),
        Some(BindError::Serialization(_)) | None => {
            "there are more than 65 535, or one is larger than the protocol allows; bind a list as one value".to_owned()
        }
    };
    Error::new(ErrorKind::Decode, format!("bind a parameter: {reason}")).with_statement(text)
}
