//! A background worker: takes jobs from a table, several at once, no job twice, and stops gracefully.
//!
//! `cargo run --example worker -- --add "Tove"` adds a letter to send; without `--add` it works until ctrl-c,
//! with `--self-test` it checks on a fresh database that every job is done once.

mod check;
mod crew;
mod jobs;

use std::{
    env,
    error::Error,
    fmt,
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use estoult::Registry;
use tokio::sync::watch;

use crate::{crew::Crew, jobs::Job};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Sends letters, which are jobs in a table; `DATABASE_URL` names its database.
#[derive(Debug, Parser)]
struct Arguments {
    /// Adds a letter to this person instead of working; may be repeated
    #[arg(long)]
    add: Vec<String>,
    /// How many jobs are worked on at once
    #[arg(long, default_value_t = 4)]
    workers: usize,
    /// Checks on a fresh database that every job is done once
    #[arg(long)]
    self_test: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = if arguments.self_test {
        check::self_test().await
    } else {
        run(arguments).await
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "worker: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Outcome {
    let url = match env::var("DATABASE_URL") {
        Ok(url) => url,
        Err(_) => {
            let file = env::current_exe()?.with_file_name("worker.db");
            format!("sqlite:{}", file.display())
        }
    };
    let registry = Registry::builder(url).build()?;
    let lifespan = registry.connect().await?;
    // The lifespan is closed afterwards, even if the work fails.
    let done = run_connected(&registry, arguments).await;
    let closed = lifespan.close().await;
    done?;
    Ok(closed?)
}

async fn run_connected(registry: &Registry, arguments: Arguments) -> Outcome {
    jobs::open(registry).await?;
    if !arguments.add.is_empty() {
        for person in arguments.add {
            let job = Job::add(registry, &person).await?;
            tell(format_args!("job {}: a letter to {}", job.id, job.person));
        }
        return Ok(());
    }
    let stop = stop_on_ctrl_c()?;
    tell(format_args!(
        "{} workers wait for jobs; ctrl-c stops them",
        arguments.workers
    ));
    let sent = Crew::new(registry)
        .workers(arguments.workers)
        .work(stop)
        .await?;
    tell(format_args!("stopped; {} letters were sent", sent.len()));
    Ok(())
}

/// Becomes true on ctrl-c and on the signal to terminate.
fn stop_on_ctrl_c() -> Outcome<watch::Receiver<bool>> {
    let (stop, stopped) = watch::channel(false);
    ctrlc::set_handler(move || {
        stop.send_replace(true);
    })?;
    Ok(stopped)
}

/// Prints a line, and ignores a reader that has closed the output, as `head` does.
fn tell(text: impl fmt::Display) {
    let mut output = io::stdout().lock();
    let _ = writeln!(output, "{text}").and_then(|()| output.flush());
}
