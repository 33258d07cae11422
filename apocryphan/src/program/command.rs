//! The commands of the program. A new one is a file with its arguments, its sentence of help and its `run`, and two
//! lines here; a group of commands is a file whose arguments are such an enum again.

use clap::Subcommand;
use tokio::runtime::Runtime;

use super::{check, shell};
use crate::{exit::Exit, shell::Streams};

/// A command with its arguments.
#[derive(Subcommand)]
pub(super) enum Command {
    Shell(shell::Arguments),
    Check(check::Arguments),
}

impl Command {
    pub(super) fn run(self, runtime: &Runtime, streams: Streams) -> Exit {
        match self {
            Self::Shell(arguments) => arguments.run(runtime, streams),
            Self::Check(arguments) => arguments.run(runtime, streams),
        }
    }
}
