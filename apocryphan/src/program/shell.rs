//! `estoult shell`.

use std::io::Read;

use clap::Args;
use tokio::runtime::Runtime;

use super::{Streams, complain, exit, source::Source};
use crate::shell::{Flow, Format, Settings, Shell};

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

pub(super) fn run(arguments: Arguments, runtime: &Runtime, mut streams: Streams) -> u8 {
    let registry = match arguments.source.registry(arguments.read_only) {
        Ok(registry) => registry,
        Err(why) => return complain(&mut streams, &why),
    };
    let database = match registry.using(&arguments.database) {
        Ok(database) => database,
        Err(error) => return complain(&mut streams, error.message()),
    };
    let settings = Settings {
        format: arguments.format,
        has_history: !arguments.no_history,
    };
    let is_terminal = streams.is_terminal && arguments.commands.is_empty();
    let mut input = std::mem::replace(&mut streams.input, Box::new(std::io::empty()));
    let mut shell = Shell::new(registry, database, &settings, streams);
    let flow = if is_terminal {
        shell.converse(runtime, settings.has_history)
    } else if arguments.commands.is_empty() {
        let mut text = String::new();
        match input.read_to_string(&mut text) {
            Ok(_) => runtime.block_on(shell.scripts("<stdin>", &[text])),
            Err(error) => {
                shell.error(&format!("read the statements: {error}"));
                Flow::Failed
            }
        }
    } else {
        runtime.block_on(shell.scripts("-c", &arguments.commands))
    };
    runtime.block_on(shell.close());
    match flow {
        Flow::On | Flow::Quit => exit::DONE,
        Flow::Failed => exit::FAILED,
    }
}
