//! What a run did, and what it tells while it runs.

use std::time::Duration;

use super::moment::Moment;

/// What a run of [`migrate`](super::Rider::migrate) or [`rollback`](super::Rider::rollback) did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// The migrations that were applied, in order.
    pub applied: Vec<Done>,
    /// The migrations that were rolled back, in order.
    pub rolled_back: Vec<Done>,
    /// The errors that steps were told to ignore.
    pub ignored: Vec<IgnoredError>,
    /// The steps that a rollback passed over because they have none.
    pub kept: Vec<KeptStep>,
    /// The ids in the history whose migrations are not at hand.
    pub missing: Vec<String>,
    /// How many migrations are pending after the run.
    pub pending: usize,
}

/// A migration that was applied or rolled back.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Done {
    /// Its id.
    pub id: String,
    /// How long it took.
    pub duration: Duration,
}

/// An error of the database that a step was told to ignore.
#[derive(Debug)]
#[non_exhaustive]
pub struct IgnoredError {
    /// The migration.
    pub id: String,
    /// The step, counted from one.
    pub step: usize,
    /// Where the statement stands that failed, as `file:line`.
    pub place: String,
    /// What the database said.
    pub error: estoult::Error,
}

/// A step without a rollback, whose doing stays in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptStep {
    /// The migration.
    pub id: String,
    /// The step, counted from one.
    pub step: usize,
}

/// One migration as [`status`](super::Rider::status) lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Its place in the order; `None` when it is not at hand.
    pub index: Option<usize>,
    /// Its id.
    pub id: String,
    /// What it says of itself.
    pub message: String,
    /// The ids that it depends on.
    pub depends: Vec<String>,
    /// Where it stands.
    pub state: State,
    /// When it was applied, if it was.
    pub applied_at: Option<Moment>,
    /// How long applying it took, if that is known.
    pub duration: Option<Duration>,
}

/// Where a migration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// It is not applied.
    Pending,
    /// It is applied.
    Applied,
    /// It is applied, and it is not at hand.
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

/// A row of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) id: String,
    pub(super) applied_at: Option<Moment>,
    pub(super) duration: Option<Duration>,
}

/// What happens during a run, told to [`Rider::observe`](super::Rider::observe).
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'e> {
    /// Another run holds the lock; told once, with what is known of the other one.
    Waiting(&'e str),
    /// A migration begins.
    Started(&'e str),
    /// A migration was applied.
    Applied(&'e Done),
    /// A migration was rolled back.
    RolledBack(&'e Done),
    /// An error was ignored.
    Ignored(&'e IgnoredError),
    /// A rollback passed over a step that has none.
    Kept(&'e KeptStep),
}
