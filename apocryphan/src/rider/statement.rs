//! What a step runs, statement by statement, once the syntax of the database is known.

use apocryphan_migration::{Ignore, Problem, Problems, ScriptStep, Statement, Syntax, statements};

use super::step::{Action, ActionKind, Call, Step};

/// One statement of a step, or the call of its function, and where it is written.
#[derive(Debug, Clone)]
pub(super) struct StepStatement {
    pub(super) body: StatementBody,
    pub(super) file: String,
    pub(super) line: usize,
}

#[derive(Debug, Clone)]
pub(super) enum StatementBody {
    Sql(String),
    Call(Call),
}

/// A step with its statements in both directions.
#[derive(Debug, Clone)]
pub(super) struct ParsedStep {
    pub(super) name: Option<String>,
    pub(super) ignore_errors: Option<Ignore>,
    pub(super) migrate: Vec<StepStatement>,
    pub(super) rollback: Vec<StepStatement>,
}

impl StepStatement {
    /// Where it is written, as `file:line`.
    pub(super) fn location(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    /// What messages show of it: the SQL, or the name of the function.
    pub(super) fn text(&self) -> String {
        match &self.body {
            StatementBody::Sql(text) => text.clone(),
            StatementBody::Call(call) => format!("{}()", call.name),
        }
    }
}

impl ParsedStep {
    /// A step of a SQL file. `default` is what the file ignores where the step does not say otherwise.
    pub(super) fn from_sql(
        step: ScriptStep,
        default: Option<Ignore>,
        (file, undo_file): (&str, &str),
    ) -> Self {
        Self {
            name: step.name,
            ignore_errors: step.ignore_errors.or(default),
            migrate: of_file(file, step.migrate),
            rollback: of_file(undo_file, step.rollback),
        }
    }

    /// A step in Rust, whose SQL texts may have several statements each.
    pub(super) fn from_rust(step: Step, syntax: &Syntax) -> Result<Self, Problems> {
        Ok(Self {
            name: step.name,
            ignore_errors: step.ignore_errors,
            migrate: of_action(step.migrate, syntax)?,
            rollback: match step.rollback {
                Some(rollback) => of_action(rollback, syntax)?,
                None => Vec::new(),
            },
        })
    }
}

fn of_file(file: &str, statements: Vec<Statement>) -> Vec<StepStatement> {
    statements
        .into_iter()
        .map(|statement| StepStatement {
            body: StatementBody::Sql(statement.text),
            file: file.to_owned(),
            line: statement.line,
        })
        .collect()
}

fn of_action(action: Action, syntax: &Syntax) -> Result<Vec<StepStatement>, Problems> {
    let file = action.location.file();
    // The text begins on the line of the call, or soon after it: the compiler knows no better.
    let line = usize::try_from(action.location.line());
    let line = line.map_err(|_| Problem::new(file, "the number of its line is too large"))?;
    match action.kind {
        ActionKind::Sql(text) => Ok(of_file(file, statements(file, line, &text, syntax)?)),
        ActionKind::Call(call) => Ok(vec![StepStatement {
            body: StatementBody::Call(call),
            file: file.to_owned(),
            line,
        }]),
    }
}
