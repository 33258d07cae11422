//! What SQLite's commits take at their worst on an async thread, how large the write-ahead log becomes, and what it
//! costs that statements are observed.

use std::{
    error::Error,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use estoult::{Database, Schema, batch, new};
use tokio::runtime::{Builder, Runtime};
use tracing::Level;

type Outcome<T> = Result<T, Box<dyn Error>>;

const COMMITS: usize = 25_000;
const ROUNDS: usize = 41;
const OPERATIONS: u32 = 2000;

#[derive(Debug, Clone, Schema)]
#[schema(table = "notes")]
struct Note {
    id: i64,
    body: String,
}

fn main() -> Outcome<()> {
    let mut out = std::io::stdout().lock();
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("notes.db");
    let database = Database::builder(format!("sqlite:{}?mode=rwc", file.display())).build()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let lifespan = runtime.block_on(database.connect())?;
    let table = "create table notes (id integer primary key, body text not null)";
    runtime.block_on(batch(&database, table))?;
    commits(&runtime, &database, &file, &mut out)?;
    observed(&runtime, &database, &mut out)?;
    runtime.block_on(lifespan.close())?;
    Ok(())
}

/// Inserts rows, each in a commit of its own, while the log is looked at.
fn commits(
    runtime: &Runtime,
    database: &Database,
    file: &Path,
    out: &mut impl Write,
) -> Outcome<()> {
    let log = file.with_extension("db-wal");
    let body = "a note of a hundred bytes ".repeat(4);
    let mut times = Vec::with_capacity(COMMITS);
    let mut largest = 0;
    runtime.block_on(async {
        for commit in 0..COMMITS {
            let note = new!(Note { body: body.clone() });
            let begun = Instant::now();
            note.insert(database).await?;
            times.push(begun.elapsed());
            if commit % 100 == 0 {
                largest = largest.max(std::fs::metadata(&log).map_or(0, |log| log.len()));
            }
        }
        Ok::<(), estoult::Error>(())
    })?;
    times.sort();
    let at = |share: f64| times[((COMMITS as f64 * share) as usize).min(COMMITS - 1)];
    writeln!(
        out,
        "| {COMMITS} commits on an async thread | |\n|---|---:|"
    )?;
    for (name, share) in [
        ("median", 0.5),
        ("p99", 0.99),
        ("p99.9", 0.999),
        ("most", 1.0),
    ] {
        writeln!(out, "| {name} | {:.2?} |", at(share))?;
    }
    writeln!(
        out,
        "| largest log | {:.1} MiB |\n",
        largest as f64 / f64::from(1 << 20)
    )?;
    Ok(())
}

/// A row by its key, in turns without a subscriber and with ones that listen to more and more.
fn observed(runtime: &Runtime, database: &Database, out: &mut impl Write) -> Outcome<()> {
    let listening = |level| {
        tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(std::io::sink)
            .finish()
    };
    let dispatches = [
        ("no subscriber", tracing::Dispatch::none()),
        ("warnings", listening(Level::WARN).into()),
        ("every statement as a line", listening(Level::DEBUG).into()),
    ];
    let mut times = vec![Vec::with_capacity(ROUNDS); dispatches.len()];
    for round in 0..ROUNDS {
        for turn in 0..dispatches.len() {
            let place = (turn + round) % dispatches.len();
            let spent = tracing::dispatcher::with_default(&dispatches[place].1, || {
                runtime.block_on(async {
                    let begun = Instant::now();
                    for id in 0..OPERATIONS {
                        Note::get(database, i64::from(id) + 1).await?;
                    }
                    Ok::<Duration, estoult::Error>(begun.elapsed())
                })
            })?;
            times[place].push(spent / OPERATIONS);
        }
    }
    writeln!(out, "| a row by its key | | |\n|---|---:|---:|")?;
    let medians = times.iter_mut().map(|times| {
        times.sort();
        times[ROUNDS / 2]
    });
    let medians: Vec<_> = medians.collect();
    for ((name, _), median) in dispatches.iter().zip(&medians) {
        let more = median.as_secs_f64() - medians[0].as_secs_f64();
        writeln!(out, "| {name} | {median:.2?} | {:+.2} µs |", more * 1e6)?;
    }
    Ok(())
}
