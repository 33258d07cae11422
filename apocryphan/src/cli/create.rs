//! `rider create`.

use clap::Args;

use super::console::Console;
use crate::{
    exit::Exit,
    rider::{Error, Rider, relative_path},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What the migration is for, such as "add contacts table"
    #[arg(
        short,
        long,
        visible_short_alias = 'd',
        visible_alias = "description",
        value_name = "TEXT"
    )]
    message: String,
}

pub(super) fn run(arguments: &Arguments, rider: &Rider, console: &Console) -> Result<Exit, Error> {
    let path = rider.create(&arguments.message)?;
    console.line(&format!(
        "Created migration scaffold in {}",
        relative_path(&path)
    ));
    Ok(Exit::Done)
}
