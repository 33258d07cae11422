//! Which migrations a run applies or rolls back, and in which order.
//! Invariant: nothing here talks to a database.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::{
    applied::Applied,
    error::{Error, ErrorKind, Result},
    failure::Operation,
    migrations::Migrations,
};

/// What [`migrate`](super::Rider::migrate) applies: everything that is pending, unless the options limit it.
///
/// ```
/// use apocryphan::rider::MigrateOptions;
///
/// let all = MigrateOptions::default();
/// let next_two = MigrateOptions::default().steps(2);
/// let one_with_what_it_needs = MigrateOptions::default().only("1602721237-add-contacts");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MigrateOptions {
    extent: MigrateExtent,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum MigrateExtent {
    #[default]
    All,
    Only(String),
    To(String),
    Steps(usize),
}

impl MigrateOptions {
    /// Only this migration and what it depends on.
    #[must_use]
    pub fn only(self, id: impl Into<String>) -> Self {
        let extent = MigrateExtent::Only(id.into());
        Self { extent }
    }

    /// Everything in order up to and including this migration.
    #[must_use]
    pub fn to(self, id: impl Into<String>) -> Self {
        let extent = MigrateExtent::To(id.into());
        Self { extent }
    }

    /// The next `count` migrations.
    #[must_use]
    pub fn steps(self, count: usize) -> Self {
        let extent = MigrateExtent::Steps(count);
        Self { extent }
    }
}

/// What [`rollback`](super::Rider::rollback) undoes: the migration that was applied last, unless the options say more.
///
/// Whatever depends on a migration that is undone is undone before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RollbackOptions {
    extent: RollbackExtent,
    allow_irreversible: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum RollbackExtent {
    #[default]
    Last,
    Steps(usize),
    To(String),
    Index(usize),
    All,
}

impl RollbackOptions {
    /// The `count` migrations that were applied last.
    #[must_use]
    pub fn steps(self, count: usize) -> Self {
        let extent = RollbackExtent::Steps(count);
        Self { extent, ..self }
    }

    /// Everything that was applied after this migration, which stays.
    #[must_use]
    pub fn to(self, id: impl Into<String>) -> Self {
        let extent = RollbackExtent::To(id.into());
        Self { extent, ..self }
    }

    /// Every applied migration with this index in the list or a greater one.
    #[must_use]
    pub fn from_index(self, index: usize) -> Self {
        let extent = RollbackExtent::Index(index);
        Self { extent, ..self }
    }

    /// Everything that is applied.
    #[must_use]
    pub fn all(self) -> Self {
        let extent = RollbackExtent::All;
        Self { extent, ..self }
    }

    /// Removes migrations without any rollback from the history all the same; the database keeps what they did.
    #[must_use]
    pub fn allow_irreversible(self) -> Self {
        let allow_irreversible = true;
        Self {
            allow_irreversible,
            ..self
        }
    }
}

/// What a run was asked to do.
#[derive(Debug, Clone, Copy)]
pub(super) enum Request<'o> {
    Migrate(&'o MigrateOptions),
    Rollback(&'o RollbackOptions),
}

impl Request<'_> {
    pub(super) fn operation(self) -> Operation {
        match self {
            Self::Migrate(_) => Operation::Apply,
            Self::Rollback(_) => Operation::Rollback,
        }
    }

    /// Whether a migration of which nothing can be undone may leave the history.
    pub(super) fn allows_irreversible(self) -> bool {
        match self {
            Self::Migrate(_) => false,
            Self::Rollback(options) => options.allow_irreversible,
        }
    }

    /// The indexes of the migrations that the run applies or rolls back, in order.
    pub(super) fn choose(self, migrations: &Migrations, applied: &Applied) -> Result<Vec<usize>> {
        match self {
            Self::Migrate(options) => to_apply(migrations, applied, options),
            Self::Rollback(options) => to_roll_back(migrations, applied, options),
        }
    }
}

/// The indexes to apply, in order.
fn to_apply(
    migrations: &Migrations,
    applied: &Applied,
    options: &MigrateOptions,
) -> Result<Vec<usize>> {
    let pending = applied.pending(migrations);
    let chosen: Vec<usize> = match &options.extent {
        MigrateExtent::All => pending,
        MigrateExtent::Steps(count) => pending.into_iter().take(*count).collect(),
        MigrateExtent::To(id) => {
            let last = migrations.find(id)?;
            pending.into_iter().filter(|index| *index <= last).collect()
        }
        MigrateExtent::Only(id) => {
            let only = migrations.find(id)?;
            let needed = migrations.ancestors(only);
            let is_wanted = |index: &usize| *index == only || needed.contains(index);
            pending.into_iter().filter(is_wanted).collect()
        }
    };
    Ok(chosen)
}

/// The indexes to roll back, in order: dependants first, otherwise the latest first.
fn to_roll_back(
    migrations: &Migrations,
    applied: &Applied,
    options: &RollbackOptions,
) -> Result<Vec<usize>> {
    let latest = applied.latest_first();
    let chosen: Vec<usize> = match &options.extent {
        RollbackExtent::All => latest,
        RollbackExtent::Last => last(applied, &latest, 1)?,
        RollbackExtent::Steps(count) => last(applied, &latest, *count)?,
        RollbackExtent::Index(index) => latest.into_iter().filter(|known| known >= index).collect(),
        RollbackExtent::To(id) => {
            let stays = migrations.find(id)?;
            let Some(after) = latest.iter().position(|index| *index == stays) else {
                let id = migrations.entries()[stays].id();
                return Err(Error::usage(format!(
                    "`{id}` is not applied, so nothing came after it"
                )));
            };
            latest[..after].to_vec()
        }
    };
    dependants_first(migrations, applied, &chosen)
}

/// The last `count` migrations. If one of them is missing, the caller would undo an older one without noticing, so it
/// is refused.
fn last(applied: &Applied, latest: &[usize], count: usize) -> Result<Vec<usize>> {
    let chosen: Vec<usize> = latest.iter().copied().take(count).collect();
    let oldest = chosen.last().and_then(|index| applied.time(*index));
    let between = applied.missing.iter().find(|row| {
        // With fewer migrations than asked for, every missing one would have been among them.
        let is_enough = chosen.len() == count;
        !is_enough || row.applied_at > oldest
    });
    match between {
        Some(row) => Err(Error::new(
            ErrorKind::History,
            format!(
                "`{}` was applied later and its file is not here, so it cannot be rolled back; \
                 bring the file back, or name what is to stay with `--to`",
                row.id
            ),
        )),
        None => Ok(chosen),
    }
}

/// The chosen migrations and what depends on them. Times order them only where dependencies do not: two runs may have
/// had clocks that differ.
fn dependants_first(
    migrations: &Migrations,
    applied: &Applied,
    chosen: &[usize],
) -> Result<Vec<usize>> {
    let mut left: BTreeSet<usize> = chosen.iter().copied().collect();
    // A dependant that is not applied needs no rollback.
    for index in chosen {
        let dependants = migrations.dependants(*index).into_iter();
        left.extend(dependants.filter(|index| applied.contains(*index)));
    }
    let latest = applied.latest_first();
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let next = latest
            .iter()
            .copied()
            .find(|index| left.contains(index) && migrations.dependants(*index).is_disjoint(&left));
        let next = next.ok_or_else(no_order)?;
        left.remove(&next);
        order.push(next);
    }
    Ok(order)
}

/// The graph has no cycles, so one of the migrations that are left has no dependants among them.
fn no_order() -> Error {
    let message = "the migrations to roll back depend on each other in a cycle, which is a bug of rider; nothing was \
                   rolled back";
    Error::new(ErrorKind::Refused, message)
}
