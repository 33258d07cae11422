//! Rider's command line: arguments, then one file a command.
//! Invariant: results go to stdout, everything else to stderr; no logic of migrations here.

mod console;
mod create;
mod migrate;
mod migrations;
mod rollback;
#[cfg(test)]
mod tests;

use std::{ffi::OsString, path::PathBuf, process::ExitCode, thread, time::Duration};

use clap::{Args, Parser, Subcommand};
use tokio::runtime::{Builder, Handle};

pub use self::console::Console;
use crate::rider::{Error, ErrorKind, Rider};

/// What the process returns, by what the caller can do.
mod exit {
    pub(super) const DONE: u8 = 0;
    pub(super) const FAILED: u8 = 1;
    pub(super) const USAGE: u8 = 2;
    pub(super) const PENDING: u8 = 3;
    pub(super) const LOCK: u8 = 4;
    pub(super) const HISTORY: u8 = 6;
    pub(super) const GRAPH: u8 = 7;
    pub(super) const REFUSED: u8 = 8;
}

/// Applies migrations, rolls them back and lists them.
#[derive(Debug, Parser)]
#[command(name = "rider", disable_help_subcommand = true)]
struct Arguments {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Settings")]
struct Settings {
    /// The folder of the migrations
    #[arg(long, global = true, value_name = "FOLDER")]
    source: Option<PathBuf>,
    /// The table of the applied migrations
    #[arg(long, global = true, value_name = "TABLE")]
    table_name: Option<String>,
    /// The table of the log
    #[arg(long, global = true, value_name = "TABLE")]
    log_name: Option<String>,
    /// How many seconds to wait for another run to finish
    #[arg(long, global = true, value_name = "SECONDS")]
    lock_wait: Option<u32>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a new migration
    Create(create::Arguments),
    /// List all migrations and when they were applied
    #[command(visible_aliases = ["list", "status"])]
    Migrations(migrations::Arguments),
    /// Apply what is pending
    #[command(visible_alias = "up")]
    Migrate(migrate::Arguments),
    /// Undo the migration that was applied last, or more
    #[command(visible_alias = "down")]
    Rollback(rollback::Arguments),
}

impl Rider {
    /// Runs the command of the process's arguments on a runtime of its own, and says what the
    /// process returns.
    ///
    /// 0 done; 1 a migration or the database failed; 2 wrong usage or files; 3 pending, when asked
    /// with `--check`; 4 another run holds the lock; 6 history and migrations do not fit; 7 the
    /// migrations have no order; 8 refused.
    pub fn parse_args(self) -> ExitCode {
        self.run_args(std::env::args_os())
    }

    /// As [`parse_args`](Self::parse_args) with other arguments; the first one is the program's name.
    pub fn run_args<A: Into<OsString>>(self, args: impl IntoIterator<Item = A>) -> ExitCode {
        let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
        let console = Console::standard();
        if Handle::try_current().is_err() {
            return ExitCode::from(block(&self, args, &console));
        }
        // A runtime cannot begin inside another one, on the same thread.
        let outcome = thread::scope(|scope| scope.spawn(|| block(&self, args, &console)).join());
        ExitCode::from(outcome.unwrap_or(exit::FAILED))
    }
}

fn block(rider: &Rider, args: Vec<OsString>, console: &Console) -> u8 {
    match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(rider, args, console)),
        Err(error) => {
            console.error(&format!("error: begin a runtime: {error}"));
            exit::FAILED
        }
    }
}

/// Runs one command and says what the process would return.
pub async fn run<A: Into<OsString>>(
    rider: &Rider,
    args: impl IntoIterator<Item = A>,
    console: &Console,
) -> u8 {
    let args = args.into_iter().map(Into::into);
    let arguments = match Arguments::try_parse_from(args) {
        Ok(arguments) => arguments,
        Err(error) => return refused(&error, console),
    };
    let rider = arguments.settings.apply(rider.clone());
    let rider = rider.observe(console.observer());
    let result = arguments.command.run(&rider, console).await;
    console.quiet();
    match result {
        Ok(code) => code,
        Err(error) => {
            console.error(&format!("error: {error}"));
            code(&error)
        }
    }
}

/// Help is a result; a wrong argument is an error.
fn refused(error: &clap::Error, console: &Console) -> u8 {
    let text = error.render().to_string();
    if error.use_stderr() {
        console.error(text.trim_end());
        exit::USAGE
    } else {
        console.line(text.trim_end());
        exit::DONE
    }
}

fn code(error: &Error) -> u8 {
    match error.kind() {
        ErrorKind::Usage | ErrorKind::Files(_) => exit::USAGE,
        ErrorKind::Graph(_) => exit::GRAPH,
        ErrorKind::Lock => exit::LOCK,
        ErrorKind::History => exit::HISTORY,
        ErrorKind::Refused => exit::REFUSED,
        ErrorKind::Migration(_) | ErrorKind::Database => exit::FAILED,
    }
}

impl Settings {
    fn apply(self, rider: Rider) -> Rider {
        let mut config = rider.settings().clone();
        let wait = self.lock_wait;
        config.source = self.source.unwrap_or(config.source);
        config.table_name = self.table_name.unwrap_or(config.table_name);
        config.log_name = self.log_name.unwrap_or(config.log_name);
        let rider = rider.config(config);
        match wait {
            Some(seconds) => rider.lock_wait(Duration::from_secs(seconds.into())),
            None => rider,
        }
    }
}

impl Command {
    async fn run(self, rider: &Rider, console: &Console) -> Result<u8, Error> {
        match self {
            Self::Create(arguments) => create::run(&arguments, rider, console),
            Self::Migrations(arguments) => migrations::run(&arguments, rider, console).await,
            Self::Migrate(arguments) => migrate::run(arguments, rider, console).await,
            Self::Rollback(arguments) => rollback::run(arguments, rider, console).await,
        }
    }
}
