//! `rider migrate`.

use std::num::NonZeroUsize;

use clap::Args;

use super::console::Console;
use crate::{
    exit::Exit,
    rider::{Error, MigrateOptions, Rider},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Apply only this migration and what it depends on
    #[arg(value_name = "ID", conflicts_with_all = ["steps", "to"])]
    id: Option<String>,
    /// Apply the next N migrations
    #[arg(short = 'n', long, value_name = "N", conflicts_with = "to")]
    steps: Option<NonZeroUsize>,
    /// Apply everything up to this migration
    #[arg(long, value_name = "ID")]
    to: Option<String>,
}

pub(super) async fn run(
    arguments: Arguments,
    rider: &Rider,
    console: &Console,
) -> Result<Exit, Error> {
    let options = MigrateOptions::default();
    let options = match (arguments.id, arguments.steps, arguments.to) {
        (Some(id), ..) => options.only(id),
        (None, Some(steps), _) => options.steps(steps.get()),
        (None, None, Some(id)) => options.to(id),
        (None, None, None) => options,
    };
    let report = rider.migrate(&options).await?;
    console.warn_of_missing(&report.missing);
    console.line(&format!(
        "{} applied, {} pending",
        report.applied.len(),
        report.pending
    ));
    Ok(Exit::Done)
}
