//! The outcomes of a pipeline: each statement has one of its own, also when the time was over before the last
//! answer.

use super::Connection;
use crate::{
    error::{Error, ErrorKind, Result},
    row::Sink,
};

impl Connection {
    /// The outcome of each statement; `late` is why some of them have none.
    pub(super) fn outcomes(
        &mut self,
        outcomes: Vec<Option<Result<Box<dyn Sink>>>>,
        late: Option<Error>,
    ) -> Vec<Result<Box<dyn Sink>>> {
        let unanswered = unanswered(late, self.is_in_transaction());
        let outcomes: Vec<_> = outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or_else(|| Err(unanswered.clone())))
            .collect();
        let (Some(transaction), Some(session)) = (&mut self.transaction, &self.session) else {
            return outcomes;
        };
        let first = outcomes.iter().find_map(|outcome| outcome.as_ref().err());
        transaction.note(&**session, first, self.is_busy);
        outcomes
            .into_iter()
            .map(|outcome| outcome.map_err(|error| transaction.explain(error)))
            .collect()
    }
}

/// The error of a statement that was not answered before the time was over.
fn unanswered(late: Option<Error>, is_in_transaction: bool) -> Error {
    let Some(late) = late else {
        return Error::internal("a statement of a pipeline has no outcome");
    };
    let fate = if is_in_transaction {
        "its transaction can only be rolled back"
    } else {
        "whether it took effect is not known"
    };
    Error::new(ErrorKind::Timeout, format!("{}; {fate}", late.message()))
}
