//! `estoult shell`.

use std::{io::Read, mem};

use clap::Args;
use tokio::runtime::Runtime;

use super::source::Source;
use crate::{
    exit::Exit,
    shell::{Flow, Format, Shell, Streams},
};

/// Run SQL and show tables
#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    source: Source,
    /// The database to begin with
    #[arg(long, value_name = "NAME", default_value = "default")]
    database: String,
    /// Run these statements and end; may be given several times
    #[arg(short = 'c', long = "command", value_name = "SQL")]
    commands: Vec<String>,
    /// How results are written
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Let no statement write
    #[arg(long)]
    read_only: bool,
    /// Do not remember what is typed
    #[arg(long)]
    no_history: bool,
}

impl Arguments {
    pub(super) fn run(self, runtime: &Runtime, mut streams: Streams) -> Exit {
        let is_interactive = streams.is_terminal && self.commands.is_empty();
        let input = mem::replace(&mut streams.input, Box::new(std::io::empty()));
        let mut shell = match self.shell(streams) {
            Ok(shell) => shell,
            Err(exit) => return exit,
        };
        // Statements from `-c` come before the input, which is not read then.
        let flow = if is_interactive {
            shell.interact(runtime, !self.no_history)
        } else if self.commands.is_empty() {
            run_input(&mut shell, runtime, input)
        } else {
            runtime.block_on(shell.scripts("-c", &self.commands))
        };
        // Also after a failure: the server should not wait for a client that is gone.
        runtime.block_on(shell.close());
        match flow {
            Flow::Continue | Flow::Quit => Exit::Done,
            Flow::Failed => Exit::Failed,
        }
    }

    /// The shell that the arguments describe. What is wrong with them is shown.
    fn shell(&self, mut streams: Streams) -> Result<Shell, Exit> {
        let registry = self.source.registry(self.read_only);
        let found = registry.and_then(|registry| match registry.using(&self.database) {
            Ok(database) => Ok((registry, database)),
            Err(error) => Err(error.message().to_owned()),
        });
        match found {
            Ok((registry, database)) => Ok(Shell::new(registry, database, self.format, streams)),
            Err(reason) => {
                streams.error(&reason);
                Err(Exit::Failed)
            }
        }
    }
}

/// Runs all of the input as one script, since a statement may reach over any number of lines.
fn run_input(shell: &mut Shell, runtime: &Runtime, mut input: Box<dyn Read + Send>) -> Flow {
    let mut text = String::new();
    match input.read_to_string(&mut text) {
        Ok(_) => runtime.block_on(shell.scripts("<stdin>", &[text])),
        Err(error) => {
            shell.error(&format!("read the statements: {error}"));
            Flow::Failed
        }
    }
}
