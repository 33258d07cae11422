//! The program `estoult`: it reads its arguments and runs one command.
//! Invariant: no logic of databases here; results go to stdout, everything else to stderr.

mod check;
mod command;
mod shell;
mod source;

use std::{ffi::OsString, io::Write, process::ExitCode};

use clap::Parser;
use tokio::runtime::Builder;

use self::command::Command;
use crate::exit::Exit;
pub use crate::shell::Streams;

/// Looks into databases, and checks their configuration.
///
/// Without `--url` and `--config` the databases are those of the environment: ESTOULT_DATABASES__DEFAULT__URL or
/// DATABASE_URL, and ESTOULT_DATABASES__NAME__SETTING for more.
#[derive(Parser)]
#[command(name = "estoult", version, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Runs the program with the arguments and streams of the process.
///
/// 0 done; 1 a statement, a database or the configuration failed; 2 wrong arguments.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os(), Streams::standard()))
}

/// Runs the program with other arguments, whose first is the program's name, and other streams, and returns its exit
/// code. It has a runtime of its own, so it can't be called from async code.
///
/// ```
/// use apocryphan::program::{self, Streams};
///
/// let streams = Streams::new(std::io::empty(), std::io::sink(), std::io::sink());
/// let arguments = ["estoult", "shell", "--url", "sqlite::memory:", "-c", "select 1"];
/// assert_eq!(program::run(arguments, streams), 0);
/// ```
#[must_use]
pub fn run<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>, mut streams: Streams) -> u8 {
    let arguments = arguments.into_iter().map(Into::into);
    // Parsed before anything is opened, and not by the macro that ends the process: a test gets the outcome.
    let exit = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => arguments.command.run(&runtime, streams),
            Err(error) => {
                streams.error(&format!("begin a runtime: {error}"));
                Exit::Failed
            }
        },
        Err(error) => show_help_or_mistake(&error, &mut streams),
    };
    exit.code()
}

/// Clap gives both as an error: help is a result, a wrong argument is not.
fn show_help_or_mistake(error: &clap::Error, streams: &mut Streams) -> Exit {
    let text = error.render().to_string();
    // With the stream closed there is no place left to report a failure to.
    if error.use_stderr() {
        let _ = write!(streams.errors, "{text}");
        Exit::Usage
    } else {
        let _ = write!(streams.output, "{text}");
        Exit::Done
    }
}
