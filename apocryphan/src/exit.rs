//! What the programs of this crate return to whatever started them: one code for each thing that a caller can do next.

/// The outcome of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is done.
    Done,
    /// A statement, a migration or a database failed.
    Failed,
    /// An argument or a file is wrong.
    Usage,
    /// Migrations are pending, when asked for with `--check`.
    Pending,
    /// Another run holds the lock.
    Locked,
    /// The history and the migrations do not belong together.
    History,
    /// The migrations have no order.
    Graph,
    /// It would lose something, so it was not done.
    Refused,
}

impl Exit {
    /// The code that the process returns. Scripts depend on it, so a code is never given to another outcome.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Pending => 3,
            Self::Locked => 4,
            Self::History => 6,
            Self::Graph => 7,
            Self::Refused => 8,
        }
    }
}
