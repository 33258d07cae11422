//! COPY: the data of a table as a stream, in both directions.
//!
//! While data are sent, the end of the unit (Sync) is not, which the wire knows: a future that is dropped meanwhile
//! leaves a unit behind that recovery ends. Source: "COPY Operations" in PostgreSQL's manual.

use std::{future::poll_fn, io, pin::pin, task::Poll};

use bytes::BytesMut;
use estoult_sql::copy::{CopyDirection, copy_direction};
use postgres_protocol::message::frontend::{self, CopyData};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    answer::Answer, bind::Declared, decode::Columns, flight::Failure, part::Part,
    session::PostgresSession, wire::Message,
};
use crate::{
    backend::{DataReader, DataWriter, Statement},
    error::{Error, ErrorKind, Result},
    runtime::within,
    sql::Dialect,
};

/// How much of the data is in one message at most.
const CHUNK: usize = 64 * 1024;

/// What comes first while data are sent.
enum Next {
    /// The server says something.
    Arrived(io::Result<()>),
    /// This many bytes of the data are there.
    Read(io::Result<usize>),
}

impl PostgresSession {
    /// Sends the data of a COPY FROM STDIN, and gives the number of rows.
    pub(super) async fn send_copy(&mut self, text: &str, data: &mut DataReader<'_>) -> Result<u64> {
        let statement = copy_statement(text, CopyDirection::In)?;
        let mut part = self.begin_copy(&statement).await?;
        let outcome = match self.copy_response(b'G', &mut part).await {
            Ok(()) => self.send_data(data).await,
            refused => refused,
        };
        self.end_copy(outcome, part, &statement).await
    }

    /// Receives the data of a COPY TO STDOUT, and gives the number of rows.
    pub(super) async fn receive_copy(
        &mut self,
        text: &str,
        to: &mut DataWriter<'_>,
    ) -> Result<u64> {
        let statement = copy_statement(text, CopyDirection::Out)?;
        let mut part = self.begin_copy(&statement).await?;
        let outcome = match self.copy_response(b'H', &mut part).await {
            Ok(()) => self.receive_data(to).await,
            refused => refused,
        };
        if let Err(failure @ Failure::Own(_)) = outcome {
            return Err(self.abandon_copy(failure, part, &statement).await);
        }
        self.end_copy(outcome, part, &statement).await
    }

    /// Ends a COPY whose data the caller no longer takes. In a transaction the rest is read, as far as that ends soon:
    /// cancelling would abort the transaction.
    async fn abandon_copy(&mut self, failure: Failure, part: Part, statement: &Statement) -> Error {
        let limit = self.database.connect_timeout;
        let has_ended = if self.wire.status.is_open() {
            self.wire.close_unit();
            let mut parts = [part];
            let mut leave_row = |_: &Columns, _: &[u8]| Ok(());
            within(limit, self.read_answers(&mut parts, &[], &mut leave_row))
                .await
                .is_some()
        } else {
            matches!(within(limit, self.abandon()).await, Some(Ok(())))
        };
        if !has_ended {
            self.wire.give_up();
        }
        self.fail(failure, statement)
    }

    async fn begin_copy(&mut self, statement: &Statement) -> Result<Part> {
        self.begin_unit().await?;
        self.queue_closes();
        let part = self.queue(statement, Declared::ByKind)?;
        self.wire.open_unit();
        let asked = self.take_asked().await;
        asked.map_err(|failure| self.fail(failure, statement))?;
        Ok(part)
    }

    /// Waits until the server is ready for the data of this direction.
    async fn copy_response(&mut self, wanted: u8, part: &mut Part) -> Result<(), Failure> {
        loop {
            let message = self.wire.next().await?;
            match message.tag {
                tag if tag == wanted => return Ok(()),
                b'E' => return Err(self.refused_copy(&message)),
                b'D' | b'C' | b'I' | b'G' | b'H' => {
                    return Err(self.wire.garbled("no answer to a COPY").into());
                }
                _ => {
                    self.advance(&message, Some(part))?;
                }
            }
        }
    }

    fn refused_copy(&self, message: &Message) -> Failure {
        Failure::Answer(Box::new(Answer::read(self.wire.body(message))), 0)
    }

    async fn send_data(&mut self, data: &mut DataReader<'_>) -> Result<(), Failure> {
        let mut chunk = BytesMut::with_capacity(CHUNK);
        loop {
            chunk.clear();
            match self.next_chunk(data, &mut chunk).await {
                Next::Arrived(arrived) => arrived?,
                Next::Read(read) => {
                    if read.map_err(unreadable)? == 0 {
                        frontend::copy_done(&mut self.wire.out);
                        return Ok(());
                    }
                    CopyData::new(&chunk[..])?.write(&mut self.wire.out);
                    self.wire.flush().await?;
                }
            }
            let message = self.wire.buffered()?;
            self.wire.report_notices(&[]);
            match message {
                None => {}
                Some(message) if message.tag == b'E' => return Err(self.refused_copy(&message)),
                Some(_) => return Err(self.wire.garbled("an answer to half a COPY").into()),
            }
        }
    }

    /// Reads some of the data. The server reports wrong ones when it meets them, and the connection may be lost, while
    /// the next ones are awaited.
    async fn next_chunk(&mut self, data: &mut DataReader<'_>, chunk: &mut BytesMut) -> Next {
        let mut reading = pin!(data.read_buf(chunk));
        poll_fn(|context| match self.wire.poll_fill(context) {
            Poll::Ready(arrived) => Poll::Ready(Next::Arrived(arrived)),
            Poll::Pending => reading.as_mut().poll(context).map(Next::Read),
        })
        .await
    }

    async fn receive_data(&mut self, to: &mut DataWriter<'_>) -> Result<(), Failure> {
        loop {
            let message = self.wire.next().await?;
            match message.tag {
                b'd' => {
                    let written = to.write_all(self.wire.body(&message)).await;
                    written.map_err(unwritable)?;
                }
                b'c' => break,
                b'E' => return Err(self.refused_copy(&message)),
                _ => return Err(self.wire.garbled("an answer that is not known").into()),
            }
        }
        to.flush().await.map_err(unwritable)
    }

    /// Ends the unit, and waits until the server is ready.
    async fn end_copy(
        &mut self,
        outcome: Result<(), Failure>,
        part: Part,
        statement: &Statement,
    ) -> Result<u64> {
        match &outcome {
            Err(Failure::Own(_)) => {
                // Ignored by a server that waits for no data.
                let _ = frontend::copy_fail("the data could not be read", &mut self.wire.out);
            }
            Err(Failure::Lost(_)) => self.wire.give_up(),
            Err(Failure::Answer(..)) | Ok(()) => {}
        }
        self.wire.close_unit();
        let mut parts = [part];
        let mut take_row = |_: &Columns, _: &[u8]| Ok(());
        let ended = match outcome {
            Ok(()) => self.answers(&mut parts, &[], &mut take_row).await,
            Err(failure) => {
                // What was refused may have been answered already. A connection that is lost now is noted by the wire.
                let _ = self.read_answers(&mut parts, &[], &mut take_row).await;
                Err(failure)
            }
        };
        match ended {
            Ok(()) => Ok(parts[0].rows_affected()),
            Err(failure) => Err(self.fail_flight(failure, &parts, statement)),
        }
    }
}

/// The statement, if it is a COPY in this direction: another one would run, and its effect be kept.
fn copy_statement(text: &str, wanted: CopyDirection) -> Result<Statement> {
    let mut statement = Statement::plain(text);
    statement.is_raw = true;
    if copy_direction(text, Dialect::Postgres.syntax()) == Some(wanted) {
        return Ok(statement);
    }
    let direction = match wanted {
        CopyDirection::In => "from stdin",
        CopyDirection::Out => "to stdout",
    };
    Err(Error::new(
        ErrorKind::Query,
        format!("copy data: the statement is no `copy … {direction}`"),
    )
    .with_statement(&statement.sql))
}

fn unreadable(error: io::Error) -> Failure {
    Failure::Own(
        Error::new(
            ErrorKind::Query,
            format!("copy data: they could not be read: {error}"),
        )
        .with_source(error),
    )
}

fn unwritable(error: io::Error) -> Failure {
    Failure::Own(
        Error::new(
            ErrorKind::Query,
            format!("copy data: they could not be written: {error}"),
        )
        .with_source(error),
    )
}
