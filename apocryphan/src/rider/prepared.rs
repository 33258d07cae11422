//! Migrations whose statements are known, checked before the first one runs.
//! Invariant: nothing here talks to a database.

use apocryphan_migration::{Ignore, Problem, Problems};
use estoult_sql::{
    lexer::{TokenKind, executed, tokens},
    syntax::Syntax,
    transaction::{Control, control},
};

use super::{
    error::{Error, ErrorKind, Result},
    failure::Operation,
    migrations::Migrations,
    statement::{ParsedStep, StatementBody, StepStatement},
};
use crate::backend::Description;

/// A migration prepared for one database and one direction.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) id: String,
    pub(super) operation: Operation,
    /// Whether it runs in one transaction; otherwise its statements are committed one by one.
    pub(super) is_atomic: bool,
    /// Whether it is meant to have no statement.
    pub(super) is_meant_empty: bool,
    /// In the order in which they run.
    pub(super) steps: Vec<PreparedStep>,
    /// The numbers of the steps that have no rollback, where it is rolled back.
    pub(super) irreversible: Vec<usize>,
}

/// What one step runs in this direction.
#[derive(Debug)]
pub(super) struct PreparedStep {
    /// Counted from one, in the order of the file.
    pub(super) number: usize,
    pub(super) name: Option<String>,
    pub(super) ignores_errors: bool,
    pub(super) statements: Vec<StepStatement>,
}

/// Prepares the migrations with these indexes; all mistakes are returned at once.
pub(super) fn prepare(
    migrations: &Migrations,
    indexes: &[usize],
    operation: Operation,
    (description, has_transactional_ddl): (&Description, bool),
) -> Result<Vec<Prepared>> {
    let mut problems = Problems::default();
    let mut all = Vec::with_capacity(indexes.len());
    for index in indexes {
        let entry = &migrations.entries()[*index];
        let Some(steps) = problems.collect(entry.migration.parse(&description.syntax)) else {
            continue;
        };
        let (steps, irreversible) = in_direction(steps, operation);
        // Where DDL commits, a migration that only changes rows can still be one transaction.
        let can_be_atomic = has_transactional_ddl || changes_only_rows(&steps, description);
        let migration = Prepared {
            id: entry.id().to_owned(),
            operation,
            is_atomic: entry.header.transactional && can_be_atomic,
            is_meant_empty: entry.header.empty,
            steps,
            irreversible,
        };
        // Outside of a transaction such statements are the author's own affair.
        if migration.is_atomic {
            problems.extend(transaction_statements(&migration, &description.syntax));
        }
        all.push(migration);
    }
    problems.into_result(all).map_err(Error::files)
}

/// Refuses migrations without a statement, which their author has not finished.
pub(super) fn check_filled(migrations: &Migrations, all: &[Prepared]) -> Result<()> {
    let empty = all.iter().filter(|migration| migration.is_empty());
    let files: Vec<&str> = empty
        .filter_map(|migration| migrations.index_of(&migration.id))
        .map(|index| migrations.entries()[index].migration.file_label())
        .collect();
    if files.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Refused,
        format!(
            "there is no statement in {} yet: write it below `-- step`, say `-- empty: true` at the top if none is \
             meant, or delete the file; nothing was applied",
            files.join(", ")
        ),
    ))
}

/// Refuses migrations of which nothing can be undone.
pub(super) fn check_reversible(all: &[Prepared]) -> Result<()> {
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

impl Prepared {
    /// Whether it has no statement, and should have one.
    fn is_empty(&self) -> bool {
        !self.is_meant_empty && self.statements().next().is_none()
    }

    /// All statements in the order in which they run.
    fn statements(&self) -> impl Iterator<Item = &StepStatement> {
        self.steps.iter().flat_map(|step| &step.statements)
    }

    /// Whether a function runs outside of one transaction, and so on a connection of its own.
    pub(super) fn has_separate_calls(&self) -> bool {
        let mut statements = self.statements();
        let is_call = |body: &StatementBody| matches!(body, StatementBody::Call(_));
        !self.is_atomic && statements.any(|statement| is_call(&statement.body))
    }
}

/// The steps in the order of this direction, and the numbers of those that have no statement in it.
fn in_direction(steps: Vec<ParsedStep>, operation: Operation) -> (Vec<PreparedStep>, Vec<usize>) {
    let mut without = Vec::new();
    let mut prepared = Vec::with_capacity(steps.len());
    for (index, step) in steps.into_iter().enumerate() {
        let (statements, is_ignoring): (_, fn(Ignore) -> bool) = match operation {
            Operation::Apply => (step.migrate, Ignore::in_migrate),
            Operation::Rollback => (step.rollback, Ignore::in_rollback),
        };
        // A file may have a step that only undoes, so the number is kept for messages.
        if statements.is_empty() {
            without.push(index + 1);
            continue;
        }
        prepared.push(PreparedStep {
            number: index + 1,
            name: step.name,
            ignores_errors: step.ignore_errors.is_some_and(is_ignoring),
            statements,
        });
    }
    // Steps are undone in reverse; the statements of one rollback run in the order in which they are written.
    if operation == Operation::Rollback {
        prepared.reverse();
        without.reverse();
    }
    (prepared, without)
}

/// Whether all is SQL that no database commits implicitly. A function may do anything.
fn changes_only_rows(steps: &[PreparedStep], description: &Description) -> bool {
    let known = description.rider.atomic_statements;
    let mut statements = steps.iter().flat_map(|step| &step.statements);
    statements.all(|statement| match &statement.body {
        StatementBody::Sql(text) => {
            let syntax = &description.syntax;
            // A server may skip what is in such a comment, depending on its version: then the next word decides.
            let has_run_comment =
                tokens(text, syntax).any(|token| token.run_content(syntax).is_some());
            let mut words =
                executed(text, syntax).skip_while(|token| token.kind == TokenKind::Open);
            words
                .next()
                .filter(|_| !has_run_comment)
                .is_some_and(|token| {
                    token.kind == TokenKind::Word
                        && known
                            .iter()
                            .any(|word| token.text.eq_ignore_ascii_case(word))
                })
        }
        StatementBody::Call(_) => false,
    })
}

/// Statements that would end the transaction of the run, or begin another one in it.
fn transaction_statements(migration: &Prepared, syntax: &Syntax) -> Problems {
    let mut problems = Problems::default();
    for statement in migration.statements() {
        let StatementBody::Sql(text) = &statement.body else {
            continue;
        };
        let is_allowed = match control(text, syntax) {
            Control::Begin
            | Control::Commit { .. }
            | Control::Rollback { .. }
            | Control::SetAutocommit(_) => false,
            // DDL that commits implicitly has kept the migration from being atomic before.
            Control::Savepoint
            | Control::Release
            | Control::RollbackTo
            | Control::ImplicitCommit
            | Control::Unknown
            | Control::None => true,
        };
        if !is_allowed {
            let message = format!(
                "`{}` in a migration whose transaction rider begins and ends: take it out, or write \
                 `-- transactional: false` at the top",
                text.lines().next().unwrap_or(text)
            );
            problems.push(Problem::new(&statement.file, message).at(statement.line));
        }
    }
    problems
}
