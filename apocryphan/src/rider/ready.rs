//! Migrations whose statements are known, checked before the first one runs.

use apocryphan_migration::{Ignore, Problem, Problems};

use super::{
    catalog::Catalog,
    error::{Error, ErrorKind, Result},
    failure::Operation,
    migration::{ReadyStep, Unit, UnitWork},
};
use crate::backend::Differences;

/// A migration made ready for one database and one direction.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) id: String,
    pub(super) operation: Operation,
    /// One transaction holds all of it.
    pub(super) is_atomic: bool,
    /// In the order in which they run.
    pub(super) steps: Vec<Work>,
    /// The numbers of the steps that cannot be undone.
    pub(super) kept: Vec<usize>,
}

/// What one step does in this direction.
#[derive(Debug)]
pub(super) struct Work {
    /// Counted from one, in the order of the file.
    pub(super) number: usize,
    pub(super) name: Option<String>,
    pub(super) ignores_errors: bool,
    pub(super) units: Vec<Unit>,
}

/// Reads the migrations at these positions; all mistakes at once.
pub(super) fn ready(
    catalog: &Catalog,
    places: &[usize],
    operation: Operation,
    (differences, transactional_ddl): (&Differences, bool),
) -> Result<Vec<Ready>> {
    let mut problems = Problems::default();
    let mut all = Vec::with_capacity(places.len());
    for place in places {
        let entry = &catalog.entries()[*place];
        let steps = problems.keep(entry.migration.prepare(&differences.syntax));
        let Some(steps) = steps else { continue };
        let (steps, kept) = works(steps, operation);
        let can_be_atomic =
            transactional_ddl || changes_rows_only(&steps, differences.atomic_statements);
        let migration = Ready {
            id: entry.id().to_owned(),
            operation,
            is_atomic: entry.header.transactional && can_be_atomic,
            steps,
            kept,
        };
        if migration.is_atomic {
            problems.extend(strays(&migration));
        }
        all.push(migration);
    }
    problems.or(all).map_err(Error::files)
}

/// Refuses migrations that have nothing to run yet.
pub(super) fn check_filled(catalog: &Catalog, all: &[Ready]) -> Result<()> {
    let empty = all.iter().filter(|migration| migration.is_empty());
    let files: Vec<&str> = empty
        .filter_map(|migration| catalog.position(&migration.id))
        .map(|place| catalog.entries()[place].migration.label())
        .collect();
    if files.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Refused,
        format!(
            "no statement stands in {} yet: write it below `-- step`, or delete the file; nothing \
             was applied",
            files.join(", ")
        ),
    ))
}

/// Refuses migrations of which nothing can be undone.
pub(super) fn check_reversible(all: &[Ready]) -> Result<()> {
    let ids: Vec<&str> = all
        .iter()
        .filter(|migration| migration.is_empty())
        .map(|migration| migration.id.as_str())
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Refused,
        format!(
            "no step of {} has a rollback, so the database would keep what they did while the \
             history forgets it; write `-- rollback` parts, or say `--allow-irreversible`; nothing \
             was rolled back",
            ids.join(", ")
        ),
    ))
}

impl Ready {
    fn is_empty(&self) -> bool {
        self.steps.iter().all(|step| step.units.is_empty())
    }
}

/// The work of each step in the order of this direction, and the steps that have none.
fn works(steps: Vec<ReadyStep>, operation: Operation) -> (Vec<Work>, Vec<usize>) {
    let mut kept = Vec::new();
    let mut works = Vec::with_capacity(steps.len());
    for (index, step) in steps.into_iter().enumerate() {
        let (units, is_ignoring): (_, fn(Ignore) -> bool) = match operation {
            Operation::Apply => (step.migrate, Ignore::in_migrate),
            Operation::Rollback => (step.rollback, Ignore::in_rollback),
        };
        if units.is_empty() {
            kept.push(index + 1);
            continue;
        }
        works.push(Work {
            number: index + 1,
            name: step.name,
            ignores_errors: step.ignore_errors.is_some_and(is_ignoring),
            units,
        });
    }
    if operation == Operation::Rollback {
        works.reverse();
        kept.reverse();
    }
    (works, kept)
}

/// All is SQL of kinds that no database commits by itself.
fn changes_rows_only(steps: &[Work], kinds: &[&str]) -> bool {
    let mut units = steps.iter().flat_map(|step| &step.units);
    units.all(|unit| match &unit.work {
        UnitWork::Statement(text) => kinds.contains(&first_words(text).0.as_str()),
        UnitWork::Call(_) => false,
    })
}

/// Statements that would end or begin the transaction that rider holds.
fn strays(migration: &Ready) -> Problems {
    let mut problems = Problems::default();
    for unit in migration.steps.iter().flat_map(|step| &step.units) {
        let UnitWork::Statement(text) = &unit.work else {
            continue;
        };
        let (first, second) = first_words(text);
        let is_stray = match first.as_str() {
            "begin" | "commit" | "end" | "abort" => true,
            "start" => second == "transaction",
            "rollback" => second != "to" && !text.to_ascii_lowercase().contains(" to "),
            _ => false,
        };
        if is_stray {
            let message = format!(
                "`{}` in a migration whose transaction rider begins and ends: take it out, or write \
                 `-- transactional: false` at the top",
                text.lines().next().unwrap_or_default()
            );
            problems.push(Problem::new(&unit.file, message).at(unit.line));
        }
    }
    problems
}

fn first_words(text: &str) -> (String, String) {
    let mut words = text
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase);
    (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    )
}
