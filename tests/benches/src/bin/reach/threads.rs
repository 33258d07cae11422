//! Sixteen sync threads over four connections: each with an environment of its own, or all through `block_on` of one
//! runtime. The connections that were opened are counted in a run of their own, through the relay.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use estoult::{Registry, Schema, run_sync};

use crate::Result;
use crate::relay::Relay;
use crate::rounds::{self, Series};
use crate::stage::{Stage, User, key, runtime};

const THREADS: u32 = 16;
const CONNECTIONS: usize = 4;
/// How long the threads ask in a round.
const BATCH: Duration = Duration::from_millis(500);

/// How many queries were answered, and how many were not.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    answered: u32,
    failed: u32,
}

pub fn run(stage: &Stage, rounds: usize) -> Result<()> {
    let contenders: [(&'static str, fn(&str) -> Result<Counts>); 2] = [
        ("an environment each", environments),
        ("`block_on` of one runtime", shared),
    ];
    let mut series: Vec<_> = contenders
        .iter()
        .map(|(name, _)| Series::new(name))
        .collect();
    let mut failed = [0; 2];
    for round in 0..rounds {
        for turn in 0..contenders.len() {
            let index = (turn + round) % contenders.len();
            let counts = contenders[index].1(&stage.url)?;
            failed[index] += counts.failed;
            series[index]
                .values
                .push(f64::from(counts.answered) / BATCH.as_secs_f64());
        }
    }
    for (index, series) in series.iter_mut().enumerate() {
        let relay = Relay::new(&stage.url, Duration::ZERO);
        contenders[index].1(&relay.url())?;
        series.notes = vec![failed[index].to_string(), relay.connections().to_string()];
    }
    rounds::print(
        "16 sync threads over 4 connections, users by key:",
        &["queries a second", "ratio", "failed", "connections opened"],
        &series,
    )
}

fn environments(url: &str) -> Result<Counts> {
    let registry = registry(url)?;
    ask(|thread, counter| {
        registry.with_async_env(|| {
            counter.count(thread, |turn| run_sync(User::get(&registry, key(turn))));
            Ok(())
        })
    })
}

fn shared(url: &str) -> Result<Counts> {
    let registry = registry(url)?;
    let runtime = runtime(2)?;
    let lifespan = runtime.block_on(registry.connect())?;
    let counts = ask(|thread, counter| {
        counter.count(thread, |turn| {
            runtime.block_on(User::get(&registry, key(turn)))
        });
        Ok(())
    })?;
    runtime.block_on(lifespan.close())?;
    Ok(counts)
}

fn registry(url: &str) -> Result<Registry> {
    let database = estoult::Database::builder(url).max_connections(CONNECTIONS);
    Ok(Registry::builder(database).build()?)
}

#[derive(Debug)]
struct Counter {
    answered: AtomicU32,
    failed: AtomicU32,
    start: Barrier,
}

impl Counter {
    /// Asks once, waits for the other threads, and asks until the time is over, each time for another key.
    fn count(&self, thread: u32, mut ask: impl FnMut(u32) -> estoult::Result<Option<User>>) {
        // What fails here fails again in the loop, where it is counted.
        let _ = ask(thread);
        self.start.wait();
        let until = Instant::now() + BATCH;
        let mut turn = thread;
        while Instant::now() < until {
            let counter = match ask(turn) {
                Ok(Some(user)) if user.id == key(turn) => &self.answered,
                _ => &self.failed,
            };
            counter.fetch_add(1, Ordering::Relaxed);
            turn += THREADS;
        }
    }
}

/// Runs work in all threads.
fn ask(work: impl Fn(u32, &Counter) -> estoult::Result<()> + Sync) -> Result<Counts> {
    let counter = Counter {
        answered: AtomicU32::new(0),
        failed: AtomicU32::new(0),
        start: Barrier::new(THREADS as usize),
    };
    thread::scope(|scope| {
        let (work, counter) = (&work, &counter);
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || work(thread, counter)))
            .collect();
        let mut outcomes = threads.into_iter().map(thread::ScopedJoinHandle::join);
        outcomes.try_for_each(|outcome| Ok(outcome.map_err(|_| "a thread panicked")??))
    })
    .map(|()| Counts {
        answered: counter.answered.into_inner(),
        failed: counter.failed.into_inner(),
    })
}
