//! What a shell holds while it runs, and what statements and commands have in common: an open connection, errors that
//! are shown, and names that are known for completion.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock, RwLockWriteGuard},
    time::Instant,
};

use estoult::{Database, Error, ErrorKind, Registry};
use estoult_sql::syntax::Syntax;

use super::{
    completion::EditorContext,
    connection::{ShellConnection, StatementOutcome},
    describe::Part,
    output::{Format, Results, render},
    screen::Screen,
    streams::{Interrupts, Streams},
    transaction::{TransactionPhase, changes_names},
};
use crate::catalog::TableFilter;

/// How a script goes on after a statement or a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Continue,
    Failed,
    Quit,
}

/// Databases, a connection to one of them, and how results are shown.
pub(super) struct ShellState {
    pub(super) registry: Registry,
    pub(super) connection: ShellConnection,
    pub(super) screen: Screen,
    pub(super) interrupts: Interrupts,
    pub(super) format: Format,
    pub(super) is_timed: bool,
    editor: Arc<RwLock<EditorContext>>,
}

impl ShellState {
    /// The state before anything is opened.
    pub(super) fn new(
        registry: Registry,
        database: Database,
        format: Format,
        streams: Streams,
    ) -> Self {
        let editor = EditorContext {
            databases: registry.names().map(str::to_owned).collect(),
            tables: BTreeMap::new(),
            syntax: Syntax::SQLITE,
            delimiter: String::new(),
        };
        let mut state = Self {
            registry,
            connection: ShellConnection::new(database),
            screen: Screen::new(streams.output, streams.errors),
            interrupts: streams.interrupts,
            format,
            is_timed: false,
            editor: Arc::new(RwLock::new(editor)),
        };
        state.reset_editor();
        state
    }

    /// Goes on with another database. The connection to the old one has to be closed.
    pub(super) fn switch_database(&mut self, database: Database) {
        self.connection = ShellConnection::new(database);
        self.reset_editor();
    }

    /// Sets how statements are split and names are quoted, and forgets the names. A database that is not known leaves
    /// the syntax as it is; opening it fails and says why.
    fn reset_editor(&mut self) {
        let description = self.connection.description();
        let mut editor = self.editor();
        if let Ok(description) = description {
            editor.syntax = description.syntax;
        }
        editor.tables.clear();
        ";".clone_into(&mut editor.delimiter);
    }

    /// What the editor of a terminal shares with the shell.
    pub(super) fn shared_editor(&self) -> Arc<RwLock<EditorContext>> {
        Arc::clone(&self.editor)
    }

    /// How a text is split: what ends a statement, and the syntax.
    pub(super) fn reading(&self) -> (String, Syntax) {
        let editor = self.editor();
        (editor.delimiter.clone(), editor.syntax)
    }

    /// Sets what ends the next statement, as MySQL's `delimiter` says.
    pub(super) fn set_delimiter(&mut self, delimiter: &str) {
        delimiter.clone_into(&mut self.editor().delimiter);
    }

    fn editor(&self) -> RwLockWriteGuard<'_, EditorContext> {
        self.editor.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the connection unless it is open. An error is shown, and the result is whether there is a connection.
    pub(super) async fn open(&mut self) -> bool {
        if self.connection.is_open() {
            return true;
        }
        match self.connection.open(&self.interrupts).await {
            Ok(note) => {
                note.iter().for_each(|note| self.screen.note(note));
                self.learn_names().await;
                true
            }
            Err(error) => {
                self.screen.error(error.message());
                false
            }
        }
    }

    /// Runs a statement and shows what it gives.
    pub(super) async fn statement(&mut self, text: &str) -> Flow {
        if !self.open().await {
            return Flow::Failed;
        }
        let started = Instant::now();
        let outcome = self.connection.run(text, &self.interrupts).await;
        // Without the time that rendering takes, which grows with the terminal and not with the database.
        let elapsed = started.elapsed();
        match outcome {
            StatementOutcome::Done(rows) => {
                if self.show(Results::from(&rows)) != Flow::Continue {
                    return Flow::Failed;
                }
            }
            StatementOutcome::Failed(error) => {
                self.fail(&error).await;
                return Flow::Failed;
            }
            StatementOutcome::Cancelled => {
                self.screen.note(
                    "cancelled; the connection was closed with the statement, and an open transaction is rolled back",
                );
                return Flow::Failed;
            }
        }
        if self.is_timed {
            self.screen.note(&format!("time: {elapsed:.1?}"));
        }
        let (_, syntax) = self.reading();
        // Completion should know a new table at once.
        if changes_names(text, &syntax) {
            self.learn_names().await;
        }
        Flow::Continue
    }

    /// Shows results in the current format.
    fn show(&mut self, results: Results<'_>) -> Flow {
        match render(results, self.format) {
            Ok(text) => {
                self.screen.result(&text);
                Flow::Continue
            }
            Err(reason) => {
                self.screen.error(&reason);
                Flow::Failed
            }
        }
    }

    /// Shows a table of the shell's own below its title.
    pub(super) fn show_part(&mut self, part: &Part) -> Flow {
        if !part.title.is_empty() && self.format.is_for_people() {
            self.screen.result(&format!("{}\n", part.title));
        }
        self.show(part.results())
    }

    /// Shows an error. After a lost connection the next one is opened at once, so that the user learns now that the
    /// settings of the session are gone, and not from a statement that misses them. The statement is not run again,
    /// since the server may have run it.
    pub(super) async fn fail(&mut self, error: &Error) {
        let code = error
            .code()
            .map_or(String::new(), |code| format!(" ({code})"));
        self.screen.error(&format!("{}{code}", error.message()));
        if let Some(hint) = error.hint() {
            self.screen.note(&format!("hint: {hint}"));
        }
        if matches!(error.kind(), ErrorKind::Connection) {
            let is_open = self.open().await;
            self.screen.note(match is_open {
                true => "what was set for the session and its temporary tables are gone",
                false => "the next statement tries to open it again",
            });
        }
    }

    /// Reads the names of tables and columns for completion. Without them the shell works all the same, so a failure is
    /// ignored.
    async fn learn_names(&mut self) {
        // PostgreSQL refuses every statement in a transaction that has failed.
        if self.connection.transaction() == TransactionPhase::Failed {
            return;
        }
        let Ok((pinned, catalog)) = self.connection.catalog() else {
            return;
        };
        let Ok(names) = catalog.column_names(pinned, &TableFilter::default()).await else {
            return;
        };
        let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for name in names {
            let columns = tables.entry(name.table_name).or_default();
            columns.push(name.column_name);
        }
        self.editor().tables = tables;
    }

    /// What the user reads before the cursor: the database, and whether a transaction is open.
    pub(super) fn prompt(&self) -> String {
        let name = self.connection.database().name();
        let mark = self.connection.transaction().mark();
        format!("{name}{mark}> ")
    }
}
