//! A migration that failed: where, why, what it left in the database, and what to do next.

use std::fmt;

/// The direction of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Migrations were applied.
    Apply,
    /// Migrations were rolled back.
    Rollback,
}

impl Operation {
    /// The word in the log table.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Rollback => "rollback",
        }
    }

    fn participle(self) -> &'static str {
        match self {
            Self::Apply => "applied",
            Self::Rollback => "rolled back",
        }
    }

    fn command(self) -> &'static str {
        match self {
            Self::Apply => "rider migrate",
            Self::Rollback => "rider rollback",
        }
    }
}

/// A step of a migration that failed.
#[derive(Debug)]
pub struct Failure {
    pub(super) id: String,
    pub(super) operation: Operation,
    /// The step that failed; `None` when it was the history or the commit.
    pub(super) step: Option<FailedStep>,
    pub(super) outcome: Outcome,
    /// The migrations that the run completed before.
    pub(super) completed: Vec<String>,
    pub(super) backend: String,
    pub(super) hint: Option<&'static str>,
    pub(super) error: estoult::Error,
}

#[derive(Debug)]
pub(super) struct FailedStep {
    pub(super) number: usize,
    pub(super) name: Option<String>,
    pub(super) file: String,
    pub(super) line: usize,
    /// The statement, or the function's name.
    pub(super) text: String,
}

/// What the failed migration left behind.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Nothing: its transaction was rolled back.
    RolledBack,
    /// These statements, as `file:line`, which were committed one by one.
    Committed(Vec<String>),
    /// It may be applied or not: the database did not answer the commit.
    Unknown,
}

impl Failure {
    /// The id of the migration that failed.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The direction of the run.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The step that failed, counted from one.
    pub fn step(&self) -> Option<usize> {
        self.step.as_ref().map(|step| step.number)
    }

    /// The file and the line of the statement that failed.
    pub fn location(&self) -> Option<(&str, usize)> {
        self.step
            .as_ref()
            .map(|step| (step.file.as_str(), step.line))
    }

    /// The statement that failed, or the name of the function.
    pub fn statement(&self) -> Option<&str> {
        self.step.as_ref().map(|step| step.text.as_str())
    }

    /// The statements of the failed migration, as `file:line`, that stay in the database.
    pub fn committed(&self) -> &[String] {
        match &self.outcome {
            Outcome::Committed(locations) => locations,
            Outcome::RolledBack | Outcome::Unknown => &[],
        }
    }

    /// The migrations that the same run completed before; they stay as they are.
    pub fn completed(&self) -> &[String] {
        &self.completed
    }

    /// What the database said.
    pub fn error(&self) -> &estoult::Error {
        &self.error
    }

    fn write_step(&self, f: &mut fmt::Formatter<'_>, step: &FailedStep) -> fmt::Result {
        write!(f, "step {}", step.number)?;
        if let Some(name) = &step.name {
            write!(f, " ({name})")?;
        }
        writeln!(f, " failed")?;
        writeln!(f, "  at {}:{}", step.file, step.line)?;
        // The beginning is enough to recognise it; the file and the line say where the rest is.
        for line in step.text.lines().take(5) {
            writeln!(f, "    {line}")?;
        }
        if step.text.lines().nth(5).is_some() {
            writeln!(f, "    …")?;
        }
        Ok(())
    }

    fn write_outcome(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::RolledBack => {
                writeln!(
                    f,
                    "  rolled back: the whole migration; nothing of it is left behind"
                )
            }
            Outcome::Unknown => writeln!(
                f,
                "  unknown: the connection broke while the migration was committed; \
                 `rider migrations` shows whether it was"
            ),
            Outcome::Committed(locations) if locations.is_empty() => {
                writeln!(
                    f,
                    "  committed: no statement of the migration before this one"
                )
            }
            Outcome::Committed(locations) => writeln!(
                f,
                "  committed, and not to be rolled back: the statements at {}",
                locations.join(", ")
            ),
        }
    }

    fn next(&self) -> String {
        let command = self.operation.command();
        match &self.outcome {
            Outcome::Committed(locations) if !locations.is_empty() => format!(
                "undo what those statements did by hand, or take them out of the file; correct \
                 the statement that failed; then run `{command}` again"
            ),
            Outcome::Committed(_) | Outcome::RolledBack => {
                format!("correct the migration, then run `{command}` again")
            }
            Outcome::Unknown => format!("run `rider migrations`, then `{command}` again"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`: ", self.operation.word(), self.id)?;
        match &self.step {
            Some(step) => self.write_step(f, step)?,
            None => writeln!(f, "all steps ran, and writing the history failed")?,
        }
        let code = self.error.code();
        let code = code.map_or(String::new(), |code| format!(" ({code})"));
        writeln!(f, "  {} says{code}: {}", self.backend, self.error.message())?;
        for hint in self.hint.into_iter().chain(self.error.hint()) {
            writeln!(f, "  hint: {hint}")?;
        }
        self.write_outcome(f)?;
        if !self.completed.is_empty() {
            writeln!(
                f,
                "  {} by this run and kept: {}",
                self.operation.participle(),
                self.completed.join(", ")
            )?;
        }
        write!(f, "  next: {}", self.next())
    }
}
