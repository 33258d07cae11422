//! Which migrations are applied, as the history says.
//! Invariant: nothing here talks to a database.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use super::{migrations::Migrations, timestamp::Timestamp};

/// A row of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HistoryRow {
    pub(super) id: String,
    pub(super) applied_at: Option<Timestamp>,
    pub(super) duration: Option<Duration>,
}

/// The applied migrations by their index, and the rows whose migrations are missing.
#[derive(Debug, Default)]
pub(super) struct Applied {
    times: BTreeMap<usize, Option<Timestamp>>,
    pub(super) missing: Vec<HistoryRow>,
}

impl Applied {
    pub(super) fn new(migrations: &Migrations, history: Vec<HistoryRow>) -> Self {
        let mut applied = Self::default();
        for row in history {
            match migrations.index_of(&row.id) {
                // An id is known by its text alone: a renamed file is another migration.
                Some(index) => {
                    applied.times.insert(index, row.applied_at);
                }
                None => applied.missing.push(row),
            }
        }
        applied
    }

    pub(super) fn contains(&self, index: usize) -> bool {
        self.times.contains_key(&index)
    }

    /// When a migration was applied, if it was and the history says when.
    pub(super) fn time(&self, index: usize) -> Option<Timestamp> {
        self.times.get(&index).copied().flatten()
    }

    /// The indexes of the migrations that are not applied, in order.
    pub(super) fn pending(&self, migrations: &Migrations) -> Vec<usize> {
        (0..migrations.entries().len())
            .filter(|index| !self.contains(*index))
            .collect()
    }

    /// The indexes of the applied migrations, the last one first. Those of the same time, or of none, are in reverse
    /// order.
    pub(super) fn latest_first(&self) -> Vec<usize> {
        let mut indexes: Vec<usize> = self.times.keys().copied().collect();
        indexes.sort_by_key(|index| Reverse((self.time(*index), *index)));
        indexes
    }
}
