//! What happens during a run, as the observer gets it and the report lists it.

use std::{fmt, sync::Arc, time::Duration};

/// What happens during a run; see [`Rider::observe`](super::Rider::observe).
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'e> {
    /// Another run holds the lock. Sent once, with what is known about the other run.
    Waiting(&'e str),
    /// A migration begins.
    Started(&'e str),
    /// A migration was applied.
    Applied(&'e CompletedMigration),
    /// A migration was rolled back.
    RolledBack(&'e CompletedMigration),
    /// An error was ignored.
    Ignored(&'e IgnoredError),
    /// A rollback skipped a step that has no rollback.
    Irreversible(&'e IrreversibleStep),
}

/// A migration that was applied or rolled back.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompletedMigration {
    /// Its id.
    pub id: String,
    /// How long it took.
    pub duration: Duration,
}

/// An error of the database that the migration says to ignore.
#[derive(Debug)]
#[non_exhaustive]
pub struct IgnoredError {
    /// The migration.
    pub id: String,
    /// The step, counted from one.
    pub step: usize,
    /// Where the statement that failed is written, as `file:line`.
    pub location: String,
    /// What the database said.
    pub error: estoult::Error,
}

/// A step without a rollback: what it did stays in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IrreversibleStep {
    /// The migration.
    pub id: String,
    /// The step, counted from one.
    pub step: usize,
}

impl CompletedMigration {
    pub(super) fn new(id: &str, duration: Duration) -> Self {
        let id = id.to_owned();
        Self { id, duration }
    }
}

type Callback = dyn Fn(&Event<'_>) + Send + Sync;

/// The function that gets the events of a run, if there is one.
#[derive(Clone, Default)]
pub(super) struct Observer(Option<Arc<Callback>>);

impl Observer {
    pub(super) fn new(observer: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(observer)))
    }

    pub(super) fn notify(&self, event: &Event<'_>) {
        if let Some(observer) = &self.0 {
            observer(event);
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observer").field(&self.0.is_some()).finish()
    }
}
