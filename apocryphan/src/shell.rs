//! The shell: what is typed, run on one connection, and shown. Text goes in, text comes out; see [`crate::program`].

mod command;
mod completion;
mod describe;
mod editor;
mod history;
mod output;
mod session;
mod streams;
mod transaction;

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock, RwLockWriteGuard},
    time::Instant,
};

use apocryphan_migration::{Piece, Role, Syntax, statements, typed};
use estoult::{Database, Error, ErrorKind, Registry};
use tokio::runtime::Runtime;

pub(crate) use self::output::Format;
pub use self::streams::Streams;
use self::{
    command::Command,
    completion::Known,
    editor::{Line, Terminal},
    output::render,
    session::{Ran, Session},
    streams::{Interrupts, Screen},
    transaction::{Transaction, changes_names},
};

/// How many files may include each other.
const FILES_WITHIN_FILES: usize = 16;

/// How a shell begins.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) format: Format,
    /// Whether what is typed at a terminal is remembered.
    pub(crate) has_history: bool,
}

/// Databases, a connection to one of them, and how results are shown.
pub(crate) struct Shell {
    registry: Registry,
    session: Session,
    screen: Screen,
    interrupts: Interrupts,
    format: Format,
    is_timed: bool,
    known: Arc<RwLock<Known>>,
    /// How deep files are included.
    depth: usize,
}

/// How it goes on after a statement or a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    On,
    Failed,
    Quit,
}

impl Shell {
    /// A shell on a database of the registry. Nothing is opened yet.
    pub(crate) fn new(
        registry: Registry,
        database: Database,
        settings: &Settings,
        streams: Streams,
    ) -> Self {
        let known = Known {
            databases: registry.names().map(str::to_owned).collect(),
            tables: std::collections::BTreeMap::new(),
            syntax: Syntax::SQLITE,
            quote: '"',
            delimiter: ";".to_owned(),
        };
        let mut shell = Self {
            session: Session::new(database),
            registry,
            screen: Screen::new(streams.output, streams.errors),
            interrupts: streams.interrupts,
            format: settings.format,
            is_timed: false,
            known: Arc::new(RwLock::new(known)),
            depth: 0,
        };
        shell.learn_syntax();
        shell
    }

    /// Runs texts of statements and commands up to the first that fails.
    pub(crate) async fn scripts(&mut self, name: &str, texts: &[String]) -> Flow {
        // From now on an interrupt stops a statement, and no longer the process.
        self.interrupts.forget().await;
        for text in texts {
            let flow = self.script(name, text).await;
            if flow != Flow::On {
                return flow;
            }
        }
        Flow::On
    }

    /// Runs one text.
    async fn script(&mut self, name: &str, text: &str) -> Flow {
        let (delimiter, syntax) = self.reading();
        let read = typed(text, &delimiter, &syntax);
        for piece in &read.pieces {
            let flow = self.piece(piece).await;
            if flow != Flow::On {
                return self.stopped(flow, name, piece.line);
            }
        }
        self.known().delimiter.clone_from(&read.delimiter);
        if !read.is_open {
            return Flow::On;
        }
        // The end of the text ends its last statement.
        let before = &text[..text.len() - read.rest.len()];
        let first = 1 + before.matches('\n').count();
        match statements(name, first, read.rest, &syntax) {
            Ok(last) => {
                for statement in last {
                    let flow = self.statement(&statement.text).await;
                    if flow != Flow::On {
                        return self.stopped(flow, name, statement.line);
                    }
                }
                Flow::On
            }
            Err(problem) => {
                self.screen.error(&problem.to_string());
                Flow::Failed
            }
        }
    }

    /// Says where a script stopped.
    fn stopped(&mut self, flow: Flow, name: &str, line: usize) -> Flow {
        if flow == Flow::Failed {
            self.screen.note(&format!("  at {name}:{line}"));
        }
        flow
    }

    /// Reads from a terminal until the person quits.
    pub(crate) fn converse(&mut self, runtime: &Runtime, has_history: bool) -> Flow {
        let file = has_history.then(history::file).flatten();
        let mut terminal = match Terminal::open(Arc::clone(&self.known), file) {
            Ok((terminal, refused)) => {
                refused.iter().for_each(|why| self.screen.note(why));
                terminal
            }
            Err(error) => {
                self.screen.error(&format!(
                    "open the terminal: {error}; give statements with `-c` instead"
                ));
                return Flow::Failed;
            }
        };
        self.screen
            .note("Statements end with `;`. `\\?` lists the commands, `\\q` quits.");
        runtime.block_on(async {
            self.interrupts.forget().await;
            self.open().await
        });
        loop {
            let prompt = self.prompt();
            match terminal.read(&prompt) {
                Line::Text(text) => {
                    if runtime.block_on(self.typed(&text)) == Flow::Quit || self.screen.is_closed()
                    {
                        return Flow::On;
                    }
                }
                Line::Interrupted => {}
                Line::End => return Flow::On,
            }
        }
    }

    /// Runs what was typed; what fails is told, and the rest of the line is left.
    async fn typed(&mut self, text: &str) -> Flow {
        self.interrupts.forget().await;
        let (delimiter, syntax) = self.reading();
        let read = typed(text, &delimiter, &syntax);
        self.known().delimiter.clone_from(&read.delimiter);
        for piece in &read.pieces {
            let flow = self.piece(piece).await;
            if flow != Flow::On {
                return flow;
            }
        }
        Flow::On
    }

    /// Ends the shell: an open transaction is rolled back, which is told.
    pub(crate) async fn close(&mut self) {
        if self.session.transaction() != Transaction::None {
            self.screen.note("the open transaction is rolled back");
        }
        self.session.close().await;
    }

    pub(crate) fn error(&mut self, text: &str) {
        self.screen.error(text);
    }

    async fn piece(&mut self, piece: &Piece<'_>) -> Flow {
        let flow = match piece.role {
            Role::Statement => self.statement(piece.text).await,
            Role::Command => self.command(piece.text).await,
            Role::Marker | Role::Blank => Flow::On,
        };
        match self.screen.is_closed() {
            true => Flow::Quit,
            false => flow,
        }
    }

    async fn statement(&mut self, text: &str) -> Flow {
        if !self.open().await {
            return Flow::Failed;
        }
        let begun = Instant::now();
        let ran = self.session.run(text, &self.interrupts).await;
        let took = begun.elapsed();
        match ran {
            Ran::Done(records) => match render(&records, self.format) {
                Ok(shown) => self.screen.result(&shown),
                Err(why) => {
                    self.screen.error(&why);
                    return Flow::Failed;
                }
            },
            Ran::Failed(error) => {
                self.fail(&error).await;
                return Flow::Failed;
            }
            Ran::Cancelled => {
                self.screen.note(
                    "cancelled; the connection was closed with the statement, and an open transaction is rolled back",
                );
                return Flow::Failed;
            }
        }
        if self.is_timed {
            self.screen.note(&format!("time: {took:.1?}"));
        }
        if changes_names(text) {
            self.learn().await;
        }
        Flow::On
    }

    async fn command(&mut self, line: &str) -> Flow {
        let command = match Command::parse(line) {
            Ok(command) => command,
            Err(why) => {
                self.screen.error(&why);
                return Flow::Failed;
            }
        };
        match command {
            Command::Tables => self.list_tables().await,
            Command::Describe(name) => self.describe(&name).await,
            Command::Databases => self.list_databases(),
            Command::Using(name) => self.using(&name).await,
            Command::Timing(choice) => {
                self.is_timed = choice.unwrap_or(!self.is_timed);
                self.switched("time is shown", self.is_timed)
            }
            Command::Expanded(choice) => {
                let is_expanded = choice.unwrap_or(self.format != Format::Expanded);
                self.format = match is_expanded {
                    true => Format::Expanded,
                    false => Format::Table,
                };
                self.switched("each column is on a line of its own", is_expanded)
            }
            Command::Include(path) => self.include(path).await,
            Command::Help => {
                self.screen.result(&command::help());
                Flow::On
            }
            Command::Quit => Flow::Quit,
        }
    }

    fn switched(&mut self, what: &str, is_on: bool) -> Flow {
        let state = if is_on { "on" } else { "off" };
        self.screen.note(&format!("{what}: {state}"));
        Flow::On
    }

    async fn include(&mut self, path: String) -> Flow {
        if self.depth == FILES_WITHIN_FILES {
            self.screen.error(&format!(
                "run `{path}`: {FILES_WITHIN_FILES} files include each other; see whether one includes itself"
            ));
            return Flow::Failed;
        }
        let text = match fs::read_to_string(PathBuf::from(&path)) {
            Ok(text) => text,
            Err(error) => {
                self.screen.error(&format!("read `{path}`: {error}"));
                return Flow::Failed;
            }
        };
        self.depth += 1;
        let flow = Box::pin(self.script(&path, &text)).await;
        self.depth -= 1;
        flow
    }

    async fn using(&mut self, name: &str) -> Flow {
        let database = match self.registry.using(name) {
            Ok(database) => database,
            Err(error) => {
                self.screen.error(error.message());
                return Flow::Failed;
            }
        };
        if self.session.transaction() != Transaction::None {
            self.screen.error(&format!(
                "use `{name}`: a transaction is open on `{}`; commit it or roll it back first",
                self.session.database().name()
            ));
            return Flow::Failed;
        }
        self.session.close().await;
        self.session = Session::new(database);
        self.learn_syntax();
        self.known().tables.clear();
        match self.open().await {
            true => Flow::On,
            false => Flow::Failed,
        }
    }

    /// Opens the connection, unless it is; whether it is there.
    async fn open(&mut self) -> bool {
        if self.session.is_open() {
            return true;
        }
        match self.session.open(&self.interrupts).await {
            Ok(said) => {
                said.iter().for_each(|said| self.screen.note(said));
                self.learn().await;
                true
            }
            Err(error) => {
                self.screen.error(error.message());
                false
            }
        }
    }

    /// Tells an error. A connection that was lost is opened again at once, and what is gone with it is told.
    async fn fail(&mut self, error: &Error) {
        let code = error
            .code()
            .map_or(String::new(), |code| format!(" ({code})"));
        self.screen.error(&format!("{}{code}", error.message()));
        if matches!(error.kind(), ErrorKind::Connection) {
            let is_open = self.open().await;
            self.screen.note(match is_open {
                true => "what was set for the session and its temporary tables are gone",
                false => "the next statement tries to open it again",
            });
        }
    }

    fn prompt(&self) -> String {
        let (name, mark) = (
            self.session.database().name(),
            self.session.transaction().mark(),
        );
        format!("{name}{mark}> ")
    }

    fn known(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// How what is typed is read: what ends a statement, and in which way of writing SQL.
    fn reading(&self) -> (String, Syntax) {
        let known = self.known();
        (known.delimiter.clone(), known.syntax)
    }

    /// Takes over how the database's SQL is read. Opening it tells when that is not known.
    fn learn_syntax(&mut self) {
        let mut known = self.known();
        if let Ok(introspection) = self.session.introspection() {
            (known.syntax, known.quote) = (introspection.syntax, introspection.quote);
        }
        ";".clone_into(&mut known.delimiter);
    }
}
