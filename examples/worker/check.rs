//! The self-test: many jobs, several workers, one of which is lost, and a stop in the middle of the work.

use std::{
    collections::BTreeSet,
    env,
    time::{Duration, Instant},
};

use estoult::{Registry, Schema, batch, insert_all, new};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::{
    Outcome,
    crew::Crew,
    jobs::{self, Job, Letter, State},
    tell,
};

const JOBS: u64 = 200;
const LOST: usize = 3;
/// How many are done before the first crew is stopped.
const FIRST: u64 = 40;
/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Does many jobs on a fresh database, and checks each of them.
pub(crate) async fn self_test() -> Outcome {
    let (url, _folder) = place()?;
    let registry = Registry::builder(url).build()?;
    let lifespan = registry.connect().await?;
    let tested = test(&registry).await;
    let closed = lifespan.close().await;
    tested?;
    closed?;
    let database = registry.default_database();
    let (open, outside) = (database.status().open, database.used_unconnected());
    if database.is_connected() || open > 0 || outside > 0 {
        return Err(format!(
            "{database} should be closed: {open} connections are open, {outside} uses were outside the lifespan"
        )
        .into());
    }
    tell("the lifespan is closed, and no connection is open\nall is well");
    Ok(())
}

/// The database of `DATABASE_URL`, or a SQLite file in a temporary folder.
fn place() -> Outcome<(String, Option<TempDir>)> {
    if let Ok(url) = env::var("DATABASE_URL") {
        return Ok((url, None));
    }
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("worker.db").display());
    Ok((url, Some(folder)))
}

async fn test(registry: &Registry) -> Outcome {
    if Job::query().count(registry).await.is_ok() || Letter::query().count(registry).await.is_ok() {
        return Err(
            "the database of DATABASE_URL has a table `jobs` or `letters`, and the self-test would remove it; \
             name another database"
                .into(),
        );
    }
    jobs::open(registry).await?;
    let worked = work_off(registry).await;
    batch(registry, "drop table letters; drop table jobs").await?;
    worked
}

async fn work_off(registry: &Registry) -> Outcome {
    let waiting = (0..JOBS).map(|number| {
        new!(Job {
            person: format!("reader {number}"),
            state: State::Waiting,
            tries: 0,
            held_until: 0,
        })
    });
    insert_all(registry, waiting).await?;
    lose_some(registry).await?;
    stop_in_between(registry).await?;
    finish(registry).await?;
    look_at_all(registry).await
}

/// A worker takes jobs and is lost. It takes them for a moment only, so no other worker has to wait.
async fn lose_some(registry: &Registry) -> Outcome {
    let mut lost = BTreeSet::new();
    while lost.len() < LOST {
        let job = Job::take(registry, Duration::from_millis(1)).await?;
        lost.extend(job.map(|job| job.id));
    }
    tell(format_args!(
        "{JOBS} jobs; a worker that took the jobs {lost:?} is lost"
    ));
    Ok(())
}

/// Two crews, as if they were two processes. When they have stopped, none of their jobs is half done.
async fn stop_in_between(registry: &Registry) -> Outcome {
    let (stop, stopped) = watch::channel(false);
    let crew = || tokio::spawn(Crew::new(registry).workers(4).work(stopped.clone()));
    let crews = [crew(), crew()];
    until(registry, FIRST).await?;
    stop.send_replace(true);
    for crew in crews {
        let letters = crew.await??;
        tell(format_args!(
            "a crew was stopped after {} letters",
            letters.len()
        ));
    }
    let held_long = Job::state
        .eq(State::Held)
        .and(Job::held_until.gt(jobs::now()));
    let in_hand = Job::query().filter(held_long).count(registry).await?;
    if in_hand > 0 {
        return Err(format!("{in_hand} jobs are still held, though the crews have stopped").into());
    }
    Ok(())
}

/// A third crew does the rest, and the jobs of the lost worker.
async fn finish(registry: &Registry) -> Outcome {
    let (stop, stopped) = watch::channel(false);
    let crew = Crew::new(registry)
        .workers(3)
        .pause(Duration::from_millis(5));
    let crew = tokio::spawn(crew.work(stopped));
    let done = until(registry, JOBS).await;
    stop.send_replace(true);
    let letters = crew.await??;
    done?;
    tell(format_args!(
        "another crew sent the other {} letters",
        letters.len()
    ));
    Ok(())
}

/// Waits until this number of jobs is done.
async fn until(registry: &Registry, jobs: u64) -> Outcome {
    let deadline = Instant::now() + LIMIT;
    loop {
        let done = Job::query().filter(Job::state.eq(State::Done));
        let done = done.count(registry).await?;
        if done >= jobs {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!("only {done} of {jobs} jobs were done in time").into());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// One letter for each job; only those of the lost worker were taken more than once.
async fn look_at_all(registry: &Registry) -> Outcome {
    let letters = Letter::query().count(registry).await?;
    let twice = Job::query().filter(Job::tries.gt(1)).all(registry).await?;
    let undone = Job::query()
        .filter(Job::state.ne(State::Done))
        .count(registry)
        .await?;
    if letters != JOBS || undone > 0 || twice.len() != LOST {
        return Err(format!(
            "expected {JOBS} letters, no job undone and {LOST} jobs taken twice; \
             there are {letters} letters, {undone} undone jobs, and taken twice were {twice:?}"
        )
        .into());
    }
    tell(format_args!(
        "{letters} letters, one for each job; other workers did the {LOST} lost jobs"
    ));
    Ok(())
}
