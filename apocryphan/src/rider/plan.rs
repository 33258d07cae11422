//! Which migrations a run applies or rolls back, and in which order.
//! Invariant: nothing here talks to a database.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    catalog::Catalog,
    error::{Error, ErrorKind, Result},
    moment::Moment,
    report::Applied,
};

/// What [`migrate`](super::Rider::migrate) applies: everything that is pending, unless it is told less.
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

    /// Everything in order up to this migration, and this one.
    #[must_use]
    pub fn to(self, id: impl Into<String>) -> Self {
        let extent = MigrateExtent::To(id.into());
        Self { extent }
    }

    /// The next so many migrations.
    #[must_use]
    pub fn steps(self, count: usize) -> Self {
        let extent = MigrateExtent::Steps(count);
        Self { extent }
    }
}

/// What [`rollback`](super::Rider::rollback) undoes: the migration that was applied last, unless it is told more.
///
/// Whatever depends on a migration that is undone is undone before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RollbackOptions {
    extent: RollbackExtent,
    pub(super) allow_irreversible: bool,
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
    /// The so many migrations that were applied last.
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

    /// Everything applied whose index in the list is this or greater.
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

    /// Takes migrations without any rollback out of the history all the same; the database keeps what they did.
    #[must_use]
    pub fn allow_irreversible(self) -> Self {
        let allow_irreversible = true;
        Self {
            allow_irreversible,
            ..self
        }
    }
}

/// The history as a plan needs it: which positions are applied, and which ids are not at hand.
#[derive(Debug, Default)]
pub(super) struct Standing {
    applied: BTreeMap<usize, Option<Moment>>,
    pub(super) missing: Vec<Applied>,
}

impl Standing {
    pub(super) fn new(catalog: &Catalog, history: Vec<Applied>) -> Self {
        let mut standing = Self::default();
        for row in history {
            match catalog.position(&row.id) {
                Some(place) => {
                    standing.applied.insert(place, row.applied_at);
                }
                None => standing.missing.push(row),
            }
        }
        standing
    }

    pub(super) fn is_applied(&self, place: usize) -> bool {
        self.applied.contains_key(&place)
    }

    pub(super) fn pending(&self, catalog: &Catalog) -> Vec<usize> {
        (0..catalog.entries().len())
            .filter(|place| !self.is_applied(*place))
            .collect()
    }

    /// The applied ones, the one that was applied last first.
    fn latest(&self) -> Vec<usize> {
        let mut places: Vec<usize> = self.applied.keys().copied().collect();
        places.sort_by_key(|place| std::cmp::Reverse((self.applied[place], *place)));
        places
    }
}

/// The positions to apply, in order.
pub(super) fn migrate(
    catalog: &Catalog,
    standing: &Standing,
    options: &MigrateOptions,
) -> Result<Vec<usize>> {
    let pending = standing.pending(catalog);
    let chosen: Vec<usize> = match &options.extent {
        MigrateExtent::All => pending,
        MigrateExtent::Steps(count) => pending.into_iter().take(*count).collect(),
        MigrateExtent::To(id) => {
            let last = catalog.find(id)?;
            pending.into_iter().filter(|place| *place <= last).collect()
        }
        MigrateExtent::Only(id) => {
            let only = catalog.find(id)?;
            let needed = catalog.ancestors(only);
            let is_wanted = |place: &usize| *place == only || needed.contains(place);
            pending.into_iter().filter(is_wanted).collect()
        }
    };
    Ok(chosen)
}

/// The positions to roll back, in order: dependants first, otherwise the latest first.
pub(super) fn rollback(
    catalog: &Catalog,
    standing: &Standing,
    options: &RollbackOptions,
) -> Result<Vec<usize>> {
    let latest = standing.latest();
    let chosen: Vec<usize> = match &options.extent {
        RollbackExtent::All => latest.clone(),
        RollbackExtent::Last => last(standing, &latest, 1)?,
        RollbackExtent::Steps(count) => last(standing, &latest, *count)?,
        RollbackExtent::Index(index) => latest
            .iter()
            .copied()
            .filter(|place| place >= index)
            .collect(),
        RollbackExtent::To(id) => {
            let stays = catalog.find(id)?;
            let Some(after) = latest.iter().position(|place| *place == stays) else {
                let id = catalog.entries()[stays].id();
                return Err(Error::usage(format!(
                    "`{id}` is not applied, so nothing came after it"
                )));
            };
            latest[..after].to_vec()
        }
    };
    Ok(dependants_first(catalog, standing, &chosen))
}

/// The so many that were applied last, which must be at hand.
fn last(standing: &Standing, latest: &[usize], count: usize) -> Result<Vec<usize>> {
    let chosen: Vec<usize> = latest.iter().copied().take(count).collect();
    let oldest = chosen.last().and_then(|place| standing.applied[place]);
    let between = standing.missing.iter().find(|row| {
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

fn dependants_first(catalog: &Catalog, standing: &Standing, chosen: &[usize]) -> Vec<usize> {
    let mut left: BTreeSet<usize> = chosen.iter().copied().collect();
    for place in chosen {
        let dependants = catalog.dependants(*place);
        left.extend(
            dependants
                .iter()
                .filter(|place| standing.is_applied(**place)),
        );
    }
    let latest = standing.latest();
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let next = latest
            .iter()
            .copied()
            .find(|place| left.contains(place) && catalog.dependants(*place).is_disjoint(&left));
        let Some(next) = next else { break };
        left.remove(&next);
        order.push(next);
    }
    order
}
