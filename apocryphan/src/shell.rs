//! The shell: it runs what the user types on one connection and shows the results; see [`crate::program`].

mod command;
mod completion;
mod connection;
mod describe;
mod editor;
mod execute;
mod history;
mod output;
mod screen;
mod state;
mod streams;
mod transaction;

use std::fs;

use estoult::{Database, Registry};
use estoult_sql::statements::{Piece, Role, statements, typed};
use tokio::runtime::Runtime;

pub use self::streams::Streams;
use self::{
    command::Command,
    editor::{Line, Terminal},
    state::ShellState,
    transaction::TransactionPhase,
};
pub(crate) use self::{output::Format, state::Flow};

/// How deep files may include each other. One that includes itself is found this way.
const MAX_INCLUDE_DEPTH: usize = 16;

/// A shell, and how deep the file is included that it reads.
pub(crate) struct Shell {
    state: ShellState,
    include_depth: usize,
}

impl Shell {
    /// A shell on a database of the registry. The connection is opened with the first statement.
    pub(crate) fn new(
        registry: Registry,
        database: Database,
        format: Format,
        streams: Streams,
    ) -> Self {
        Self {
            state: ShellState::new(registry, database, format, streams),
            include_depth: 0,
        }
    }

    /// Runs texts of statements and commands up to the first that fails.
    pub(crate) async fn scripts(&mut self, name: &str, texts: &[String]) -> Flow {
        // From now on an interrupt stops a statement and no longer the process.
        self.state.interrupts.discard_pending().await;
        for text in texts {
            let flow = self.script(name, text).await;
            if flow != Flow::Continue {
                return flow;
            }
        }
        Flow::Continue
    }

    async fn script(&mut self, name: &str, text: &str) -> Flow {
        let (delimiter, syntax) = self.state.reading();
        let read = typed(text, &delimiter, &syntax);
        // The first failure ends a script: what follows was written for the state that the failed statement leaves.
        for piece in &read.pieces {
            let flow = self.piece(piece).await;
            if flow != Flow::Continue {
                return self.stopped(flow, name, piece.line);
            }
        }
        // What the text has set with `delimiter` holds for the next one, as for another `-c`.
        self.state.set_delimiter(&read.delimiter);
        if !read.is_open {
            return Flow::Continue;
        }
        // The end of the text ends its last statement.
        let before = &text[..text.len() - read.rest.len()];
        let first_line = 1 + before.matches('\n').count();
        let last = match statements(first_line, read.rest, &syntax) {
            Ok(last) => last,
            Err(error) => {
                let line = error.line;
                self.state.screen.error(&format!("{name}:{line}: {error}"));
                return Flow::Failed;
            }
        };
        for statement in last {
            let flow = self.state.statement(&statement.text).await;
            if flow != Flow::Continue {
                return self.stopped(flow, name, statement.line);
            }
        }
        Flow::Continue
    }

    /// Says where a script stopped, if it failed.
    fn stopped(&mut self, flow: Flow, name: &str, line: usize) -> Flow {
        if flow == Flow::Failed {
            self.state.screen.note(&format!("  at {name}:{line}"));
        }
        flow
    }

    /// Reads from a terminal until the user quits.
    pub(crate) fn interact(&mut self, runtime: &Runtime, has_history: bool) -> Flow {
        let file = has_history.then(history::file).flatten();
        let mut terminal = match Terminal::open(self.state.shared_editor(), file) {
            Ok((terminal, refused)) => {
                refused.iter().for_each(|why| self.state.screen.note(why));
                terminal
            }
            Err(error) => {
                self.state.screen.error(&format!(
                    "open the terminal: {error}; give statements with `-c` instead"
                ));
                return Flow::Failed;
            }
        };
        self.state
            .screen
            .note("Statements end with `;`. `\\?` lists the commands, `\\q` quits.");
        // Opened before the first statement, so that names complete from the first line on. A failure is shown, and the
        // first statement tries again.
        runtime.block_on(async {
            self.state.interrupts.discard_pending().await;
            self.state.open().await
        });
        loop {
            // The editor blocks the thread and sees Ctrl-C as a key; the runtime runs only while a statement does.
            match terminal.read(&self.state.prompt()) {
                Line::Text(text) => {
                    let flow = runtime.block_on(self.line(&text));
                    if flow == Flow::Quit || self.state.screen.is_closed() {
                        return Flow::Continue;
                    }
                }
                Line::Interrupted => {}
                Line::End => return Flow::Continue,
            }
        }
    }

    /// Runs what was typed at a terminal, up to the first statement that fails.
    async fn line(&mut self, text: &str) -> Flow {
        // Ctrl-C while the prompt waited must not stop the statement that starts now.
        self.state.interrupts.discard_pending().await;
        let (delimiter, syntax) = self.state.reading();
        let read = typed(text, &delimiter, &syntax);
        // Set before the statements run: a failed one must not leave the editor with the delimiter of another line.
        self.state.set_delimiter(&read.delimiter);
        for piece in &read.pieces {
            let flow = self.piece(piece).await;
            if flow != Flow::Continue {
                return flow;
            }
        }
        Flow::Continue
    }

    /// Ends the shell, and says so where that rolls back a transaction.
    pub(crate) async fn close(&mut self) {
        if self.state.connection.transaction() != TransactionPhase::None {
            self.state
                .screen
                .note("the open transaction is rolled back");
        }
        self.state.connection.close().await;
    }

    pub(crate) fn error(&mut self, text: &str) {
        self.state.screen.error(text);
    }

    async fn piece(&mut self, piece: &Piece<'_>) -> Flow {
        let flow = match piece.role {
            Role::Statement => self.state.statement(piece.text).await,
            Role::Command => self.command(piece.text).await,
            // Markers mean something in migrations alone.
            Role::Marker | Role::Blank => Flow::Continue,
        };
        // The reader of the results has gone, so further statements would run unseen.
        match self.state.screen.is_closed() {
            true => Flow::Quit,
            false => flow,
        }
    }

    async fn command(&mut self, line: &str) -> Flow {
        let state = &mut self.state;
        match Command::parse(line) {
            Ok(Command::Tables) => execute::list_tables(state).await,
            Ok(Command::Describe(name)) => execute::describe_table(state, &name).await,
            Ok(Command::Databases) => execute::list_databases(state),
            Ok(Command::Using(name)) => execute::use_database(state, &name).await,
            Ok(Command::Timing(choice)) => execute::switch_timing(state, choice),
            Ok(Command::Expanded(choice)) => execute::switch_expanded(state, choice),
            Ok(Command::Include(path)) => self.include(&path).await,
            Ok(Command::Help) => {
                state.screen.result(&command::help());
                Flow::Continue
            }
            Ok(Command::Quit) => Flow::Quit,
            Err(reason) => {
                state.screen.error(&reason);
                Flow::Failed
            }
        }
    }

    async fn include(&mut self, path: &str) -> Flow {
        if self.include_depth == MAX_INCLUDE_DEPTH {
            self.state.screen.error(&format!(
                "run `{path}`: {MAX_INCLUDE_DEPTH} files include each other; see whether one includes itself"
            ));
            return Flow::Failed;
        }
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                self.state.screen.error(&format!("read `{path}`: {error}"));
                return Flow::Failed;
            }
        };
        self.include_depth += 1;
        // Boxed, since a script may include a script.
        let flow = Box::pin(self.script(path, &text)).await;
        self.include_depth -= 1;
        flow
    }
}
