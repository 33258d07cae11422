//! One contender on its lane: runs a batch of a workload where the contender runs best, and takes
//! the time. Invariant: what is timed is the contender's work alone; its input is made before.

use std::hint::black_box;
use std::sync::{Arc, RwLock, mpsc};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Runtime;

use crate::contender::Start;
use crate::sample::{Note, Sample, Unit};
use crate::workload::{Answer, Failure, Operations, Result, Workload, answer};

/// How many tasks (threads, where a contender blocks) ask at once.
const TASKS: u32 = 64;

/// What a batch took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spent {
    /// By the clock on the wall.
    pub wall: Duration,
    /// On the processors, of this process alone.
    pub processor: Duration,
    /// Through the relay, if there is one; the harness adds them.
    pub round_trips: u32,
}

/// A contender whose types are hidden, so that all of them fit in one list.
pub trait Contender {
    fn name(&self) -> &'static str;
    fn lacks(&self, workload: Workload) -> bool;
    fn answer(&mut self, workload: Workload) -> Result<Answer>;
    fn batch(&mut self, workload: Workload, times: u32) -> Result<Spent>;
}

/// What all lanes share.
#[derive(Debug, Clone)]
pub struct Track {
    pub runtime: Arc<Runtime>,
    /// Whether batches run in a task of their own, as requests of a server do.
    pub spawns: bool,
    pub sample: Arc<Sample>,
}

pub struct Lane<C> {
    name: &'static str,
    track: Track,
    contender: Option<C>,
}

impl<C: Operations> Lane<C> {
    pub fn boxed(start: &Start<'_>, contender: C) -> Box<dyn Contender> {
        Box::new(Self {
            name: start.name,
            track: start.track.clone(),
            contender: Some(contender),
        })
    }

    /// Runs a job to its end: on this thread, on the runtime, or in a task of the runtime.
    fn run<J: Job<C>>(&mut self, job: J) -> Result<J::Output> {
        let mut contender = self.contender.take().ok_or("an earlier batch panicked")?;
        let sample = Arc::clone(&self.track.sample);
        let runtime = &self.track.runtime;
        let (contender, outcome) = if C::BLOCKING {
            let shared = contender.shared();
            let outcome = C::surround(&shared, || at_once(job.run(&mut contender, &sample)));
            (contender, outcome)
        } else if self.track.spawns {
            let task = runtime.spawn(async move {
                let outcome = job.run(&mut contender, &sample).await;
                (contender, outcome)
            });
            runtime.block_on(task)?
        } else {
            let outcome = runtime.block_on(job.run(&mut contender, &sample));
            (contender, outcome)
        };
        self.contender = Some(contender);
        outcome
    }
}

/// The outcome of a future that is never pending.
fn at_once<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    future
        .now_or_never()
        .ok_or("a contender that blocks has waited")?
}

impl<C: Operations> Contender for Lane<C> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn lacks(&self, workload: Workload) -> bool {
        self.contender
            .as_ref()
            .is_none_or(|contender| contender.lacks(workload))
    }

    fn answer(&mut self, workload: Workload) -> Result<Answer> {
        self.run(Proof(workload))
    }

    fn batch(&mut self, workload: Workload, times: u32) -> Result<Spent> {
        self.run(Batch(workload, times))
    }
}

/// Something to do with a contender, wherever it runs.
trait Job<C>: Send + 'static {
    type Output: Send + 'static;

    fn run(
        self,
        contender: &mut C,
        sample: &Sample,
    ) -> impl Future<Output = Result<Self::Output>> + Send;
}

struct Proof(Workload);

impl<C: Operations> Job<C> for Proof {
    type Output = Answer;

    async fn run(self, contender: &mut C, sample: &Sample) -> Result<Answer> {
        answer(contender, self.0, sample).await
    }
}

struct Batch(Workload, u32);

impl<C: Operations> Job<C> for Batch {
    type Output = Spent;

    async fn run(self, contender: &mut C, sample: &Sample) -> Result<Spent> {
        let Self(workload, times) = self;
        match workload {
            Workload::InsertOne => insert(contender, sample, times).await,
            Workload::UpdateOne => update(contender, sample, times).await,
            Workload::Transaction => transaction(contender, sample, times).await,
            Workload::Bulk1000 | Workload::Bulk10000 => {
                bulk(contender, sample, (workload.rows(), times)).await
            }
            Workload::Tasks64 if C::BLOCKING => threads::<C>(&contender.shared(), times),
            Workload::Tasks64 => tasks::<C>(&contender.shared(), times).await,
            _ => read(contender, workload, times).await,
        }
    }
}

async fn read<C: Operations>(contender: &mut C, workload: Workload, times: u32) -> Result<Spent> {
    let rows = i64::try_from(workload.rows())?;
    let watch = Watch::start();
    for turn in 0..times {
        match workload {
            Workload::ByKey => drop(black_box(contender.by_key(Sample::key(turn)).await?)),
            Workload::Wide1000 => drop(black_box(contender.readings().await?)),
            Workload::Join => drop(black_box(contender.titled().await?)),
            Workload::Preload => drop(black_box(contender.authors().await?)),
            Workload::Acquire => contender.acquire().await?,
            _ => drop(black_box(contender.up_to(rows).await?)),
        }
    }
    Ok(watch.stop())
}

async fn insert<C: Operations>(contender: &mut C, sample: &Sample, times: u32) -> Result<Spent> {
    let notes: Vec<Note> = (0..times).map(|turn| sample.note(turn)).collect();
    let watch = Watch::start();
    for note in notes {
        black_box(contender.insert(note).await?);
    }
    Ok(watch.stop())
}

async fn update<C: Operations>(contender: &mut C, sample: &Sample, times: u32) -> Result<Spent> {
    let counters: Vec<C::Counter> = (0..times).map(|turn| sample.counter(turn).into()).collect();
    let watch = Watch::start();
    for (value, counter) in (1_000_000..).zip(counters) {
        contender.update(counter, value).await?;
    }
    Ok(watch.stop())
}

async fn transaction<C: Operations>(
    contender: &mut C,
    sample: &Sample,
    times: u32,
) -> Result<Spent> {
    let units: Vec<Unit> = (0..times).map(|turn| sample.unit(turn)).collect();
    let watch = Watch::start();
    for unit in units {
        drop(black_box(contender.transaction(unit).await?));
    }
    Ok(watch.stop())
}

async fn bulk<C: Operations>(
    contender: &mut C,
    sample: &Sample,
    (rows, times): (usize, u32),
) -> Result<Spent> {
    let batches: Vec<Vec<Note>> = (0..times).map(|_| sample.notes[..rows].to_vec()).collect();
    let watch = Watch::start();
    for notes in batches {
        contender.bulk(notes).await?;
    }
    Ok(watch.stop())
}

async fn tasks<C: Operations>(shared: &C::Shared, times: u32) -> Result<Spent> {
    let watch = Watch::start();
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        let shared = shared.clone();
        tasks.push(tokio::spawn(async move {
            for turn in turns(task, times) {
                drop(black_box(
                    C::by_key_shared(&shared, Sample::key(turn)).await?,
                ));
            }
            Ok::<(), Failure>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(watch.stop())
}

fn threads<C: Operations>(shared: &C::Shared, times: u32) -> Result<Spent> {
    // Nobody sends on the channels: they end when all threads have come, and when all are done.
    let (coming, all_came) = mpsc::channel::<()>();
    let (working, all_worked) = mpsc::channel::<()>();
    let gate = RwLock::new(());
    let closed = gate.write();
    std::thread::scope(|scope| {
        let gate = &gate;
        let ask = |task: u32| {
            let (coming, working) = (coming.clone(), working.clone());
            let turns = move || {
                drop(coming);
                drop(gate.read());
                let outcome = turns(task, times).try_for_each(|turn| {
                    at_once(C::by_key_shared(shared, Sample::key(turn))).map(|user| {
                        drop(black_box(user));
                    })
                });
                drop(working);
                outcome
            };
            scope.spawn(move || C::surround(shared, turns))
        };
        let threads: Vec<_> = (0..TASKS).map(ask).collect();
        drop((coming, working));
        let _ = all_came.recv();
        let watch = Watch::start();
        drop(closed);
        let _ = all_worked.recv();
        let spent = watch.stop();
        let mut outcomes = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
        outcomes.try_for_each(|outcome| outcome.map_err(|_| "a thread panicked")?)?;
        Ok(spent)
    })
}

/// The turns of one task, so that all tasks together take each turn once.
fn turns(task: u32, times: u32) -> impl Iterator<Item = u32> {
    (task..times).step_by(TASKS as usize)
}

struct Watch {
    wall: Instant,
    processor: Duration,
}

impl Watch {
    fn start() -> Self {
        Self {
            wall: Instant::now(),
            processor: processor_time(),
        }
    }

    fn stop(self) -> Spent {
        let wall = self.wall.elapsed();
        Spent {
            wall,
            processor: processor_time().saturating_sub(self.processor),
            round_trips: 0,
        }
    }
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}
