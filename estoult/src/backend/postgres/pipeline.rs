//! Independent statements in one round trip: each is a unit of its own, so that one which fails takes no other with it.

use estoult_sql::copy::copy_direction;

use super::{
    decode::Columns,
    flight::{Failure, no_copy},
    part::Part,
    rows::RowTaker,
    session::PostgresSession,
};
use crate::{
    backend::{Statement, WithSink},
    error::Result,
    row::Sink,
    sql::Dialect,
};

/// A statement of a pipeline that is on its way.
struct Sent {
    statement: Statement,
    rows: RowTaker,
    /// The one part of its unit.
    parts: Result<[Part; 1]>,
}

impl PostgresSession {
    /// Sends all statements, and then takes their answers in order; reading goes on while they are sent.
    pub(super) async fn run_pipeline(
        &mut self,
        statements: Vec<WithSink>,
    ) -> Vec<Result<Box<dyn Sink>>> {
        if let Err(error) = self.begin_unit().await {
            return statements.iter().map(|_| Err(error.clone())).collect();
        }
        let was_open = self.wire.status.is_open();
        self.queue_closes();
        let sent: Vec<_> = statements
            .into_iter()
            .map(|(statement, sink)| self.send(statement, sink))
            .collect();
        let mut answered = Vec::with_capacity(sent.len());
        for mut one in sent {
            let outcome = match &mut one.parts {
                Ok(parts) => {
                    let values = &one.statement.values;
                    let mut take_row =
                        |columns: &Columns, body: &[u8]| one.rows.take(columns, body);
                    self.answers(parts, values, &mut take_row).await
                }
                Err(error) => Err(Failure::Own(error.clone())),
            };
            answered.push((one, outcome));
        }
        let mut outcomes = Vec::with_capacity(answered.len());
        for (one, outcome) in answered {
            outcomes.push(self.conclude(one, outcome, was_open).await);
        }
        outcomes
    }

    fn send(&mut self, statement: Statement, sink: Box<dyn Sink>) -> Sent {
        let parts = self.queue_in_pipeline(&statement).map(|part| [part]);
        if parts.is_ok() {
            self.wire.queue_sync();
        }
        Sent {
            statement,
            rows: RowTaker::new(sink),
            parts,
        }
    }

    /// Queues a statement. A COPY is refused before: what follows would be taken for its data, and the answers to
    /// later statements for those to earlier ones.
    fn queue_in_pipeline(&mut self, statement: &Statement) -> Result<Part> {
        let syntax = Dialect::Postgres.syntax();
        if statement.is_raw
            && let Some(direction) = copy_direction(&statement.sql, syntax)
        {
            return Err(no_copy(direction));
        }
        let declared = self.database.declared(statement);
        self.queue(statement, declared)
    }

    /// The outcome of one statement. One that the server refused before it ran is run by itself, where that is safe.
    async fn conclude(
        &mut self,
        sent: Sent,
        outcome: Result<(), Failure>,
        was_open: bool,
    ) -> Result<Box<dyn Sink>> {
        let Sent {
            statement,
            rows,
            parts,
        } = sent;
        let part = parts.ok().map(|[part]| part);
        let failure = match outcome {
            Ok(()) => return self.finish_rows(part, rows, &statement).await,
            Err(failure) => failure,
        };
        let may_run = match (&failure, &part) {
            (Failure::Answer(answer, _), Some(part)) => {
                part.is_stale(answer) || part.is_untyped(answer) || part.is_unprepared(answer)
            }
            _ => false,
        };
        if may_run && !was_open {
            let (part, rows) = self.run_rows(&statement, rows).await?;
            return self.finish_rows(Some(part), rows, &statement).await;
        }
        Err(self.fail_flight(failure, part.as_slice(), &statement))
    }
}
