//! Measures estoult beside the raw drivers and its peers in one interleaved run. The `README.md` of
//! this package says how to run it and how to read what it prints.

mod backend;
mod contender;
mod harness;
mod lane;
mod referee;
#[path = "../../support/relay.rs"]
#[expect(dead_code, reason = "the tests also break connections off")]
#[allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "it belongs to the tests"
)]
mod relay;
mod report;
mod sample;
mod tables;
mod workload;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tokio::runtime::{Builder, Runtime};

use backend::Backend;
use harness::Harness;
use lane::Track;
use referee::Referee;
use relay::Relay;
use report::Figure;
use sample::Sample;
use workload::{Result, Workload};

/// Measures estoult beside the raw drivers and its peers.
#[derive(Debug, Parser)]
struct Arguments {
    /// The database to measure on
    #[arg(long, value_enum, default_value = "sqlite")]
    backend: Backend,
    /// Only this workload; may be repeated
    #[arg(long, value_enum)]
    workload: Vec<Workload>,
    /// Only this contender, beside the baseline; may be repeated
    #[arg(long)]
    contender: Vec<String>,
    /// The contender that the ratios are to
    #[arg(long)]
    baseline: Option<String>,
    /// How many rounds to take the median of
    #[arg(long, default_value_t = 11)]
    rounds: usize,
    /// One processor and a runtime on one thread: steady, and total work counts
    #[arg(long)]
    pinned: bool,
    /// The contenders reach the server through a relay that adds 1 ms each way and counts round trips
    #[arg(long)]
    relay: bool,
}

/// What the relay adds each way.
const DELAY: Duration = Duration::from_millis(1);

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
    let runtime = Arc::new(runtime(arguments.pinned)?);
    let sample = Arc::new(Sample::generate());
    let mut referee = Referee::new(arguments.backend, &runtime, &sample)?;
    let track = Track {
        runtime,
        spawns: !arguments.pinned,
        sample: Arc::clone(&sample),
    };
    let baseline = arguments
        .baseline
        .as_deref()
        .unwrap_or(arguments.backend.baseline());
    let wanted = |name: &str| {
        arguments.contender.is_empty()
            || name == baseline
            || arguments.contender.iter().any(|wanted| wanted == name)
    };
    let relay = (arguments.relay && arguments.backend != Backend::Sqlite)
        .then(|| Relay::new(&referee.url(), DELAY));
    let url = relay.as_ref().map_or_else(|| referee.url(), Relay::url);
    let mut contenders = contender::all(arguments.backend, &track, &url, wanted)?;
    let workloads = match arguments.workload.as_slice() {
        [] => Workload::value_variants().to_vec(),
        some => some.to_vec(),
    };
    let mut harness = Harness {
        contenders: &mut contenders,
        referee: &mut referee,
        sample: &sample,
        rounds: arguments.rounds,
        relay: relay.as_ref(),
    };
    harness.prove(&workloads)?;
    let mut measured = Vec::new();
    for workload in workloads {
        eprintln!("{}", workload.name());
        measured.push(harness.measure(workload)?);
    }
    let names: Vec<&str> = contenders
        .iter()
        .map(|contender| contender.name())
        .collect();
    let mut figures = vec![
        ("Wall time of an operation", Figure::Wall),
        (
            "Processor time of an operation, this process alone",
            Figure::Processor,
        ),
    ];
    if relay.is_some() {
        figures.push(("Round trips of an operation", Figure::RoundTrips));
    }
    let mut output = std::io::stdout();
    for (title, figure) in figures {
        let table = report::table(&names, baseline, &measured, figure);
        writeln!(output, "{title}:\n\n{table}")?;
    }
    Ok(())
}

fn runtime(pinned: bool) -> Result<Runtime> {
    if !pinned {
        return Ok(Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?);
    }
    // The first processor that this process may use: the one given to it, where it was given one.
    let allowed = sched_getaffinity(None)?;
    let first = (0..CpuSet::MAX_CPU)
        .find(|cpu| allowed.is_set(*cpu))
        .ok_or("no processor is allowed")?;
    let mut one = CpuSet::new();
    one.set(first);
    sched_setaffinity(None, &one)?;
    Ok(Builder::new_current_thread().enable_all().build()?)
}
