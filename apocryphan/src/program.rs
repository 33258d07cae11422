//! The program `estoult`: arguments, then one file a command.
//! Invariant: no logic of databases here; results go to stdout, everything else to stderr.

mod check;
mod shell;
mod source;

use std::{ffi::OsString, io::Write, process::ExitCode};

use clap::{Parser, Subcommand};
use tokio::runtime::Builder;

pub use crate::shell::Streams;

/// What the process returns.
mod exit {
    pub(super) const DONE: u8 = 0;
    pub(super) const FAILED: u8 = 1;
    pub(super) const USAGE: u8 = 2;
}

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

#[derive(Subcommand)]
enum Command {
    /// Run SQL and show tables
    Shell(shell::Arguments),
    /// Verify the configuration, connect to each database and print how it fares
    Check(check::Arguments),
}

/// Runs the program with the arguments and streams of the process.
///
/// 0 done; 1 a statement, a database or the configuration failed; 2 wrong arguments.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os(), Streams::standard()))
}

/// As [`main`], with other arguments, whose first is the program's name, and other streams; gives what the process
/// would return. It has a runtime of its own, so it can't be called where one is driven.
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
    let command = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments.command,
        Err(error) => return refused(&error, &mut streams),
    };
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&mut streams, &format!("begin a runtime: {error}")),
    };
    match command {
        Command::Shell(arguments) => shell::run(arguments, &runtime, streams),
        Command::Check(arguments) => check::run(&arguments, &runtime, streams),
    }
}

/// Help is a result; a wrong argument is an error.
fn refused(error: &clap::Error, streams: &mut Streams) -> u8 {
    let text = error.render().to_string();
    // A stream that is closed has nobody to complain to.
    if error.use_stderr() {
        let _ = write!(streams.errors, "{text}");
        exit::USAGE
    } else {
        let _ = write!(streams.output, "{text}");
        exit::DONE
    }
}

fn complain(streams: &mut Streams, text: &str) -> u8 {
    let _ = writeln!(streams.errors, "error: {text}");
    exit::FAILED
}
