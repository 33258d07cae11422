//! What tables of operations do not show, on PostgreSQL: sync threads that each have an environment, a web server whose
//! workers are runtimes of their own, and statements that are dropped half way. Each part prints a Markdown table.

mod cancel;
#[path = "../../../../support/relay.rs"]
#[expect(dead_code, reason = "the tests also break connections off")]
#[allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "it belongs to the tests"
)]
mod relay;
mod rounds;
mod stage;
mod threads;
mod web;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use stage::Stage;

pub type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// Measures estoult where several threads, runtimes or dropped futures meet, on PostgreSQL.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only this part; may be repeated
    #[arg(long, value_enum)]
    part: Vec<Part>,
    /// How many rounds to take the median of
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// How many statements are dropped at random
    #[arg(long, default_value_t = 10_000)]
    drops: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// 16 threads over four connections
    Threads,
    /// actix-web: four workers, four connections, 200 parallel requests
    Web,
    /// Statements that are dropped
    Cancel,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let stage = Stage::new()?;
    let is_wanted = |part| arguments.part.is_empty() || arguments.part.contains(&part);
    if is_wanted(Part::Threads) {
        threads::run(&stage, arguments.rounds)?;
    }
    if is_wanted(Part::Web) {
        web::run(&stage, arguments.rounds)?;
    }
    if is_wanted(Part::Cancel) {
        cancel::run(&stage, arguments.drops)?;
    }
    Ok(())
}
