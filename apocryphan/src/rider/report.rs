//! The results that rider returns: what a run did, and the state of each migration.

use std::time::Duration;

use super::{
    event::{CompletedMigration, IgnoredError, IrreversibleStep},
    timestamp::Timestamp,
};

/// What a run of [`migrate`](super::Rider::migrate) or [`rollback`](super::Rider::rollback) did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// The migrations that were applied, in order.
    pub applied: Vec<CompletedMigration>,
    /// The migrations that were rolled back, in order.
    pub rolled_back: Vec<CompletedMigration>,
    /// The errors that were ignored, since the migrations say so.
    pub ignored: Vec<IgnoredError>,
    /// The steps that were not rolled back, since they have no rollback.
    pub irreversible: Vec<IrreversibleStep>,
    /// The ids in the history whose migrations are missing.
    pub missing: Vec<String>,
    /// How many migrations are pending after the run.
    pub pending: usize,
}

/// One migration as [`status`](super::Rider::status) lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Its index in the order; `None` when it is missing.
    pub index: Option<usize>,
    /// Its id.
    pub id: String,
    /// Its message.
    pub message: String,
    /// The ids that it depends on.
    pub depends: Vec<String>,
    /// Whether it is applied.
    pub state: State,
    /// When it was applied, if it was.
    pub applied_at: Option<Timestamp>,
    /// How long applying it took, if that is known.
    pub duration: Option<Duration>,
}

/// Whether a migration is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// It is not applied.
    Pending,
    /// It is applied.
    Applied,
    /// It is applied, and neither the folder nor the program has it.
    Missing,
}

impl State {
    /// The word that the list shows.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Applied => "applied",
            Self::Missing => "missing",
        }
    }
}
