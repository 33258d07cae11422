//! [`Observation`]: for whom a connection is in use, and who observes it.

use std::{panic::Location, sync::Arc, time::Duration};

use crate::observe::{Caller, Observers};

/// For whom a connection is in use.
pub(super) struct Observation {
    /// `None` while no listener may exist.
    pub(super) observers: Option<Arc<Observers>>,
    pub(super) origin: Option<&'static Location<'static>>,
    /// How long the caller waited for the connection, until its first statement tells it.
    pub(super) queued: Duration,
}

impl Observation {
    pub(super) fn of(caller: Caller<'_>) -> Self {
        let observers = caller.observers();
        Self {
            observers: observers.may_listen().then(|| Arc::clone(observers)),
            origin: caller.call_site(),
            queued: Duration::ZERO,
        }
    }
}
