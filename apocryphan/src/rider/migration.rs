//! A migration: its id, and its text or its steps in Rust.

use std::{fmt, sync::Arc};

use apocryphan_migration::{Header, Problems, Script, Syntax, number};

use super::{statement::ParsedStep, step::Step};

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

    /// Sets the file that messages name.
    #[must_use]
    pub fn file(mut self, file: impl Into<String>) -> Self {
        self.file = file.into();
        self
    }

    /// Sets the message of a migration in Rust; a SQL text has its own.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        if let Body::Rust { header, .. } = &mut self.body {
            header.message = Some(message.into());
        }
        self
    }

    /// Adds what a migration in Rust depends on; a SQL text says so itself.
    #[must_use]
    pub fn depends<I: Into<String>>(mut self, ids: impl IntoIterator<Item = I>) -> Self {
        if let Body::Rust { header, .. } = &mut self.body {
            header.depends.extend(ids.into_iter().map(Into::into));
        }
        self
    }

    /// Sets whether a migration in Rust runs in one transaction; a SQL text says so itself.
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
    pub(super) fn file_label(&self) -> &str {
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

    /// Reads the statements in the syntax of one database.
    pub(super) fn parse(&self, syntax: &Syntax) -> Result<Vec<ParsedStep>, Problems> {
        match &self.body {
            Body::Sql { text, companion } => self.parse_sql(text, companion.as_ref(), syntax),
            // Called for each run: a function may read files or ask for the time.
            Body::Rust { steps, .. } => {
                let mut problems = Problems::default();
                let mut parsed = Vec::new();
                for step in steps() {
                    parsed.extend(problems.collect(ParsedStep::from_rust(step, syntax)));
                }
                problems.into_result(parsed)
            }
        }
    }

    fn parse_sql(
        &self,
        text: &str,
        companion: Option<&(String, String)>,
        syntax: &Syntax,
    ) -> Result<Vec<ParsedStep>, Problems> {
        let undo = companion.map(|(file, text)| (file.as_str(), text.as_str()));
        let undo_file = companion.map_or(self.file.as_str(), |(file, _)| file);
        let script = Script::parse((&self.file, text), undo, syntax)?;
        let default = script.header.ignore_errors;
        let steps = script.steps.into_iter();
        Ok(steps
            .map(|step| ParsedStep::from_sql(step, default, (&self.file, undo_file)))
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

/// The words of an id: `1602721237-add-contacts` says "add contacts".
fn words(id: &str) -> String {
    let words = match number(id) {
        Some(_) => id.trim_start_matches(|letter: char| letter.is_ascii_digit()),
        None => id,
    };
    let words = words.replace(['-', '_'], " ");
    match words.trim() {
        "" => id.to_owned(),
        words => words.to_owned(),
    }
}
