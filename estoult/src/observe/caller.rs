//! [`Caller`]: on whose behalf a connection is acquired.

use std::{fmt, panic::Location, sync::Arc};

use super::{event::Operation, observed::Observed, observers::Observers};

/// On whose behalf a connection is acquired: the place in the program, and the observers of its database.
///
/// A source of connections that has pools of its own hands it on to them.
#[derive(Clone, Copy)]
pub struct Caller<'c> {
    origin: &'static Location<'static>,
    /// Whether the place is the program's, and not one of estoult's own.
    is_of_program: bool,
    observers: &'c Arc<Observers>,
}

impl fmt::Debug for Caller<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("origin", &self.origin)
            .field("database", &self.observers.database())
            .finish_non_exhaustive()
    }
}

impl<'c> Caller<'c> {
    pub(crate) fn new(observers: &'c Arc<Observers>, origin: &'static Location<'static>) -> Self {
        Self {
            origin,
            is_of_program: true,
            observers,
        }
    }

    /// Estoult itself, as when a database is connected.
    #[track_caller]
    pub(crate) fn estoult(observers: &'c Arc<Observers>) -> Self {
        Self {
            is_of_program: false,
            ..Self::new(observers, Location::caller())
        }
    }

    /// The place that borrows the connection.
    #[must_use]
    pub fn origin(&self) -> &'static Location<'static> {
        self.origin
    }

    /// The place in the program, if the program has asked for it.
    pub(crate) fn call_site(&self) -> Option<&'static Location<'static>> {
        self.is_of_program.then_some(self.origin)
    }

    pub(crate) fn observers(&self) -> &'c Arc<Observers> {
        self.observers
    }

    /// Begins to observe what is done for the caller without a connection.
    pub(crate) fn observed(&self, operation: Operation) -> Observed {
        if !self.observers.may_listen() {
            return Observed::none();
        }
        Observed::begin(self.observers, self.call_site(), operation, || [])
    }
}
