//! A migration and a set of migrations, as plain data; and a migration made ready to run.

use std::{fmt, path::PathBuf, sync::Arc};

use apocryphan_migration::{
    Header, Ignore, Problems, Script, Statement, Syntax, number, statements,
};

use super::step::{Action, ActionKind, Call, Step};

/// One migration: a SQL text or a list of steps in Rust, with its id.
#[derive(Clone)]
pub struct Migration {
    id: String,
    file: String,
    body: Body,
}

#[derive(Clone)]
enum Body {
    Sql {
        text: String,
        companion: Option<(String, String)>,
    },
    Rust {
        header: Header,
        steps: Arc<dyn Fn() -> Vec<Step> + Send + Sync>,
    },
}

impl Migration {
    /// A migration from the text of a SQL file.
    ///
    /// ```
    /// use apocryphan::rider::Migration;
    ///
    /// let migration = Migration::sql(
    ///     "1602721237-add-contacts",
    ///     "-- Add contacts\n-- step\ncreate table contacts (id int);\n-- rollback\ndrop table contacts;",
    /// );
    /// assert_eq!(migration.id(), "1602721237-add-contacts");
    /// ```
    pub fn sql(id: impl Into<String>, text: impl Into<String>) -> Self {
        let id = id.into();
        Self {
            file: format!("{id}.sql"),
            id,
            body: Body::Sql {
                text: text.into(),
                companion: None,
            },
        }
    }

    /// A migration from steps in Rust; the function is called each time the migration runs.
    ///
    /// ```
    /// use apocryphan::rider::{Migration, step};
    ///
    /// let migration = Migration::rust("1602721300-add-name", || {
    ///     vec![step("alter table contacts add column name text")]
    /// })
    /// .depends(["1602721237-add-contacts"]);
    /// assert_eq!(migration.id(), "1602721300-add-name");
    /// ```
    pub fn rust(
        id: impl Into<String>,
        steps: impl Fn() -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let id = id.into();
        Self {
            file: format!("{id}.rs"),
            id,
            body: Body::Rust {
                header: Header::default(),
                steps: Arc::new(steps),
            },
        }
    }

    /// The file that messages name.
    #[must_use]
    pub fn file(mut self, file: impl Into<String>) -> Self {
        self.file = file.into();
        self
    }

    /// The message of a migration in Rust; a SQL text has its own.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        if let Body::Rust { header, .. } = &mut self.body {
            header.message = Some(message.into());
        }
        self
    }

    /// What a migration in Rust depends on; a SQL text says so itself.
    #[must_use]
    pub fn depends<I: Into<String>>(mut self, ids: impl IntoIterator<Item = I>) -> Self {
        if let Body::Rust { header, .. } = &mut self.body {
            header.depends.extend(ids.into_iter().map(Into::into));
        }
        self
    }

    /// Whether one transaction holds all of a migration in Rust; a SQL text says so itself.
    #[must_use]
    pub fn transactional(mut self, transactional: bool) -> Self {
        if let Body::Rust { header, .. } = &mut self.body {
            header.transactional = transactional;
        }
        self
    }

    pub(super) fn companion(mut self, file: &str, undo: &str) -> Self {
        if let Body::Sql { companion, .. } = &mut self.body {
            *companion = Some((file.to_owned(), undo.to_owned()));
        }
        self
    }

    /// The id: the file name without its extension.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The file as messages name it.
    pub(super) fn label(&self) -> &str {
        &self.file
    }

    pub(super) fn header(&self) -> Result<Header, Problems> {
        let mut header = match &self.body {
            Body::Sql { text, .. } => Header::parse(&self.file, text)?,
            Body::Rust { header, .. } => header.clone(),
        };
        header.message = Some(header.message.unwrap_or_else(|| words(&self.id)));
        Ok(header)
    }

    /// Reads the statements for one kind of database.
    pub(super) fn prepare(&self, syntax: &Syntax) -> Result<Vec<ReadyStep>, Problems> {
        match &self.body {
            Body::Sql { text, companion } => self.prepare_sql(text, companion.as_ref(), syntax),
            Body::Rust { steps, .. } => {
                let mut problems = Problems::default();
                let mut ready = Vec::new();
                for step in steps() {
                    if let Some(step) = problems.keep(ready_step(step, syntax)) {
                        ready.push(step);
                    }
                }
                problems.or(ready)
            }
        }
    }

    fn prepare_sql(
        &self,
        text: &str,
        companion: Option<&(String, String)>,
        syntax: &Syntax,
    ) -> Result<Vec<ReadyStep>, Problems> {
        let undo = companion.map(|(file, text)| (file.as_str(), text.as_str()));
        let undo_file = companion.map_or(self.file.as_str(), |(file, _)| file);
        let script = Script::parse((&self.file, text), undo, syntax)?;
        let default = script.header.ignore_errors;
        Ok(script
            .steps
            .into_iter()
            .map(|step| ReadyStep {
                name: step.name,
                ignore_errors: step.ignore_errors.or(default),
                migrate: units(&self.file, step.migrate),
                rollback: units(undo_file, step.rollback),
            })
            .collect())
    }
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, file, .. } = self;
        f.debug_struct("Migration")
            .field("id", id)
            .field("file", file)
            .finish_non_exhaustive()
    }
}

/// `1602721237-add-contacts` says "add contacts".
fn words(id: &str) -> String {
    let digits = number(id).map_or(0, |_| {
        id.find(|l: char| !l.is_ascii_digit()).unwrap_or(id.len())
    });
    let words = id[digits..].replace(['-', '_'], " ");
    match words.trim() {
        "" => id.to_owned(),
        words => words.to_owned(),
    }
}

/// The migrations that a program or a folder has.
#[derive(Debug, Clone, Default)]
pub struct MigrationSet {
    pub(super) migrations: Vec<Migration>,
    pub(super) origin: Option<Origin>,
}

/// Where an embedded set was when the program was compiled; known to debug builds only.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) folder: PathBuf,
    /// The source file in which `migrations!` stands.
    pub(super) source: Option<PathBuf>,
}

impl MigrationSet {
    /// A set of these migrations.
    pub fn new(migrations: impl IntoIterator<Item = Migration>) -> Self {
        Self {
            migrations: migrations.into_iter().collect(),
            origin: None,
        }
    }

    /// The ids in the order in which they were given.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.migrations.iter().map(Migration::id)
    }
}

impl FromIterator<Migration> for MigrationSet {
    fn from_iter<I: IntoIterator<Item = Migration>>(migrations: I) -> Self {
        Self::new(migrations)
    }
}

/// A step whose statements are known.
#[derive(Debug, Clone)]
pub(super) struct ReadyStep {
    pub(super) name: Option<String>,
    pub(super) ignore_errors: Option<Ignore>,
    pub(super) migrate: Vec<Unit>,
    pub(super) rollback: Vec<Unit>,
}

/// What is run at once: a statement or a function, and where it is written.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) work: UnitWork,
    pub(super) file: String,
    pub(super) line: usize,
}

#[derive(Debug, Clone)]
pub(super) enum UnitWork {
    Statement(String),
    Call(Call),
}

fn units(file: &str, statements: Vec<Statement>) -> Vec<Unit> {
    statements
        .into_iter()
        .map(|statement| Unit {
            work: UnitWork::Statement(statement.text),
            file: file.to_owned(),
            line: statement.line,
        })
        .collect()
}

fn ready_step(step: Step, syntax: &Syntax) -> Result<ReadyStep, Problems> {
    Ok(ReadyStep {
        name: step.name,
        ignore_errors: step.ignore_errors,
        migrate: action_units(step.migrate, syntax)?,
        rollback: match step.rollback {
            Some(rollback) => action_units(rollback, syntax)?,
            None => Vec::new(),
        },
    })
}

fn action_units(action: Action, syntax: &Syntax) -> Result<Vec<Unit>, Problems> {
    let file = action.place.file();
    let line = usize::try_from(action.place.line()).unwrap_or(1);
    match action.kind {
        ActionKind::Sql(text) => Ok(units(file, statements(file, line, &text, syntax)?)),
        ActionKind::Call(call) => Ok(vec![Unit {
            work: UnitWork::Call(call),
            file: file.to_owned(),
            line,
        }]),
    }
}
