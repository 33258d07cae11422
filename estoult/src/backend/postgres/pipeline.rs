//! Independent statements in one round trip: each is a unit of its own, so that one which fails takes no other with it.

use super::{
    classify::{is_stale_plan, is_untyped},
    decode::Columns,
    flight::Failure,
    part::Part,
    rows::RowTaker,
    session::PostgresSession,
};
use crate::{
    backend::{Statement, WithSink},
    error::Result,
    row::Sink,
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
        if let Err(error) = self.prepare_pipeline().await {
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

    /// Runs what was deferred by itself: behind a BEGIN that fails the server skips the rest of its unit only, and
    /// would run the units of the other statements outside of any transaction.
    async fn prepare_pipeline(&mut self) -> Result<()> {
        self.prepare_to_send()?;
        if !self.deferred.is_empty() {
            self.run_control(&[]).await?;
        }
        Ok(())
    }

    fn send(&mut self, statement: Statement, sink: Box<dyn Sink>) -> Sent {
        let declared = self.database.declared(&statement);
        let parts = self.queue(&statement, declared).map(|part| [part]);
        if parts.is_ok() {
            self.wire.queue_sync();
        }
        Sent {
            statement,
            rows: RowTaker::new(sink),
            parts,
        }
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
        match outcome {
            Ok(()) => {
                let part = parts.ok().map(|[part]| part);
                self.finish_rows(part, rows, &statement).await
            }
            Err(Failure::Answer(answer, _))
                if !was_open && (is_stale_plan(&answer) || is_untyped(&answer)) =>
            {
                let (part, rows) = self.run_rows(&statement, rows).await?;
                self.finish_rows(Some(part), rows, &statement).await
            }
            Err(failure) => Err(self.fail(failure, &statement)),
        }
    }
}
