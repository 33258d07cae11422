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

/// Whether a statement may write: raw SQL may call a function that does.
fn writes(statement: &Statement) -> bool {
    let text = statement.sql.as_bytes();
    statement.is_raw
        || !text
            .first_chunk()
            .is_some_and(|word: &[u8; 6]| word.eq_ignore_ascii_case(b"select"))
}

/// Whether the server refused a statement before it ran, for a reason that another try does not meet.
fn may_run_again(failure: &Failure, part: &Part) -> bool {
    match failure {
        Failure::Answer(answer, _) => {
            part.is_stale(answer) || part.is_untyped(answer) || part.is_unprepared(answer)
        }
        Failure::Own(_) | Failure::Lost(_) => false,
    }
}

impl PostgresSession {
    /// Sends all statements, and then takes their answers in order; reading goes on while they are sent.
    pub(super) async fn run_pipeline(
        &mut self,
        statements: Vec<WithSink>,
        outcomes: &mut [Option<Result<Box<dyn Sink>>>],
    ) {
        if let Err(error) = self.begin_unit().await {
            outcomes.fill_with(|| Some(Err(error.clone())));
            return;
        }
        let was_open = self.wire.status.is_open();
        self.commits_each = !was_open && statements.iter().any(|(statement, _)| writes(statement));
        self.queue_closes();
        let sent: Vec<_> = statements
            .into_iter()
            .map(|(statement, sink)| self.send(statement, sink))
            .collect();
        let mut waiting = Vec::new();
        for (mut one, outcome) in sent.into_iter().zip(outcomes) {
            let answered = self.take_answer(&mut one).await;
            // What has to be sent for it goes behind the answers to all.
            match Self::has_to_send(&one, &answered, was_open) {
                true => waiting.push((one, answered, outcome)),
                false => *outcome = Some(self.conclude(one, answered, was_open).await),
            }
        }
        self.commits_each = false;
        for (one, answered, outcome) in waiting {
            *outcome = Some(self.conclude(one, answered, was_open).await);
        }
    }

    async fn take_answer(&mut self, one: &mut Sent) -> Result<(), Failure> {
        match &mut one.parts {
            Ok(parts) => {
                let values = &one.statement.values;
                let mut take_row = |columns: &Columns, body: &[u8]| one.rows.take(columns, body);
                self.answers(parts, values, &mut take_row).await
            }
            Err(error) => Err(Failure::Own(error.clone())),
        }
    }

    /// Whether the outcome of a statement takes another one: types are asked for, or it is run by itself.
    fn has_to_send(one: &Sent, answered: &Result<(), Failure>, was_open: bool) -> bool {
        match (answered, &one.parts) {
            (Ok(()), Ok([part])) => {
                let columns = part.columns.as_ref();
                columns.is_some_and(|columns| !columns.is_resolved())
            }
            (Err(failure), Ok([part])) => !was_open && may_run_again(failure, part),
            (_, Err(_)) => false,
        }
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
        let may_run = part
            .as_ref()
            .is_some_and(|part| may_run_again(&failure, part));
        if may_run && !was_open {
            let (part, rows) = self.run_rows(&statement, rows).await?;
            return self.finish_rows(Some(part), rows, &statement).await;
        }
        Err(self.fail_flight(failure, part.as_slice(), &statement))
    }
}
