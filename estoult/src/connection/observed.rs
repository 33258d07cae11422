//! What observers see of the operations on a connection, and for whom they run.

use std::{panic::Location, sync::Arc, time::Duration};

use super::Connection;
use crate::observe::{Caller, Observed, Operation};

impl Connection {
    /// Notes for whom the following statements run.
    pub(crate) fn set_caller(&mut self, caller: Caller<'_>) {
        let (observation, observers) = (&mut self.observation, caller.observers());
        observation.origin = caller.call_site();
        if !observers.may_listen() {
            return;
        }
        let known = observation.observers.as_ref();
        if known.is_none_or(|known| !Arc::ptr_eq(known, observers)) {
            observation.observers = Some(Arc::clone(observers));
        }
    }

    /// Notes how long the caller has waited for it.
    pub(crate) fn set_queued(&mut self, queued: Duration) {
        self.observation.queued = queued;
    }

    /// Begins to observe one text; it is only made if an observer listens.
    #[inline]
    pub(super) fn observed(
        &mut self,
        operation: Operation,
        text: impl FnOnce() -> Arc<str>,
    ) -> Observed {
        self.observed_all(operation, || [text()])
    }

    /// Begins to observe the texts of a pipeline.
    #[inline]
    pub(super) fn observed_all<T: IntoIterator<Item = Arc<str>>>(
        &mut self,
        operation: Operation,
        texts: impl FnOnce() -> T,
    ) -> Observed {
        let Some(observers) = &self.observation.observers else {
            return Observed::none();
        };
        // The end of a transaction belongs to no verb, but to the place where it was begun.
        let begun = self.transaction.as_ref().and_then(|open| open.origin);
        let origin = match operation {
            Operation::Commit | Operation::Rollback | Operation::Savepoint => begun,
            _ => None,
        };
        let origin = origin.or(self.observation.origin);
        let queued = std::mem::take(&mut self.observation.queued);
        Observed::begin(observers, origin, operation, texts).queued(queued)
    }

    /// Where the present verb was called.
    pub(super) fn call_site(&self) -> Option<&'static Location<'static>> {
        self.observation.origin
    }
}
