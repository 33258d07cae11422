//! `rider rollback`.

use std::num::NonZeroUsize;

use clap::Args;

use super::console::Console;
use crate::{
    exit::Exit,
    rider::{Error, Rider, RollbackOptions},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    extent: Extent,
    /// Forget migrations that have no rollback, too; the database keeps what they did
    #[arg(long)]
    allow_irreversible: bool,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct Extent {
    /// Undo the N migrations that were applied last
    #[arg(short = 'n', long, value_name = "N")]
    steps: Option<NonZeroUsize>,
    /// Undo everything that was applied after this migration, which stays
    #[arg(long, value_name = "ID")]
    to: Option<String>,
    /// Undo everything from this index of the list on
    #[arg(short, long, value_name = "INDEX")]
    index: Option<usize>,
    /// Undo everything
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(
    arguments: Arguments,
    rider: &Rider,
    console: &Console,
) -> Result<Exit, Error> {
    let report = rider.rollback(&options(arguments)).await?;
    console.warn_of_missing(&report.missing);
    let count = report.rolled_back.len();
    console.line(&format!("{count} rolled back, {} pending", report.pending));
    Ok(Exit::Done)
}

fn options(arguments: Arguments) -> RollbackOptions {
    let mut options = RollbackOptions::default();
    if arguments.allow_irreversible {
        options = options.allow_irreversible();
    }
    // Clap allows one of them at most.
    match arguments.extent {
        Extent { all: true, .. } => options.all(),
        Extent {
            steps: Some(steps), ..
        } => options.steps(steps.get()),
        Extent { to: Some(id), .. } => options.to(id),
        Extent {
            index: Some(index), ..
        } => options.from_index(index),
        Extent { .. } => options,
    }
}
