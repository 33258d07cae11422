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
use crate::{
    exit::Exit,
    rider::{Error, ErrorKind, Rider},
};

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
    /// Runs the command of the process's arguments on a runtime of its own, and returns the exit code.
    ///
    /// 0 done; 1 a migration or the database failed; 2 wrong usage or files; 3 migrations are pending, with `--check`;
    /// 4 another run holds the lock; 6 the history and the migrations do not belong together; 7 the migrations have no
    /// order; 8 refused.
    pub fn parse_args(self) -> ExitCode {
        self.run_args(std::env::args_os())
    }

    /// The same as [`parse_args`](Self::parse_args) for other arguments, whose first is the program's name.
    pub fn run_args<A: Into<OsString>>(self, args: impl IntoIterator<Item = A>) -> ExitCode {
        let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
        let console = Console::standard();
        // `main` may be async in a program that uses the database itself.
        if Handle::try_current().is_err() {
            return ExitCode::from(block_on(&self, args, &console));
        }
        // The caller runs in a runtime, and a thread can't enter a second one: another thread does.
        let outcome = thread::scope(|scope| scope.spawn(|| block_on(&self, args, &console)).join());
        // A panic has already been printed on the other thread.
        ExitCode::from(outcome.unwrap_or(Exit::Failed.code()))
    }
}

fn block_on(rider: &Rider, args: Vec<OsString>, console: &Console) -> u8 {
    match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(rider, args, console)),
        Err(error) => {
            console.error(&format!("error: begin a runtime: {error}"));
            Exit::Failed.code()
        }
    }
}

/// Runs one command and returns the exit code of the process.
pub async fn run<A: Into<OsString>>(
    rider: &Rider,
    args: impl IntoIterator<Item = A>,
    console: &Console,
) -> u8 {
    let args = args.into_iter().map(Into::into);
    let arguments = match Arguments::try_parse_from(args) {
        Ok(arguments) => arguments,
        Err(error) => return show_help_or_mistake(&error, console).code(),
    };
    let rider = arguments.settings.apply(rider.clone());
    let rider = rider.observe(console.observer());
    let result = arguments.command.run(&rider, console).await;
    // Before the error: the spinner would overwrite its first line.
    console.clear_spinner();
    let exit = result.unwrap_or_else(|error| {
        console.error(&format!("error: {error}"));
        exit_of(&error)
    });
    exit.code()
}

/// Clap gives both as an error: help is a result, a wrong argument is not.
fn show_help_or_mistake(error: &clap::Error, console: &Console) -> Exit {
    let text = error.render().to_string();
    if error.use_stderr() {
        console.error(text.trim_end());
        Exit::Usage
    } else {
        console.line(text.trim_end());
        Exit::Done
    }
}

fn exit_of(error: &Error) -> Exit {
    match error.kind() {
        ErrorKind::Usage | ErrorKind::Files(_) => Exit::Usage,
        ErrorKind::Graph(_) => Exit::Graph,
        ErrorKind::Lock => Exit::Locked,
        ErrorKind::History => Exit::History,
        ErrorKind::Refused => Exit::Refused,
        ErrorKind::Migration(_) | ErrorKind::Database => Exit::Failed,
    }
}

impl Settings {
    fn apply(self, rider: Rider) -> Rider {
        // Arguments change single settings of those that the program has.
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
    async fn run(self, rider: &Rider, console: &Console) -> Result<Exit, Error> {
        match self {
            Self::Create(arguments) => create::run(&arguments, rider, console),
            Self::Migrations(arguments) => migrations::run(&arguments, rider, console).await,
            Self::Migrate(arguments) => migrate::run(arguments, rider, console).await,
            Self::Rollback(arguments) => rollback::run(arguments, rider, console).await,
        }
    }
}
