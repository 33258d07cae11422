//! Statements that are dropped before their answer came: how long the server goes on with them, on how many it works
//! at once, and whether a later statement notices.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use estoult::{Database, Registry, sql};
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;

use crate::Result;
use crate::rounds::median;
use crate::stage::{Stage, connect, runtime};

const CONNECTIONS: usize = 4;
/// How many statements are dropped one by one.
const SINGLE: u32 = 20;
/// How many are dropped by several tasks at once, and how many tasks those are.
const MANY: u32 = 500;
const TASKS: u32 = 8;
/// A statement that is never dropped too late.
const LONG: &str = "select cast(1 as bigint) from (select pg_sleep(3)) as long";
const ACTIVE: &str = "select count(*) from pg_stat_activity where state = 'active' \
    and query like '%pg_sleep(3)%' and pid <> pg_backend_pid()";

pub fn run(stage: &Stage, drops: u32) -> Result<()> {
    let runtime = runtime(2)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "Dropped statements:\n\n| | |\n|---|---:|")?;
    let left = runtime.block_on(single(&stage.url))?;
    let most = left.iter().copied().fold(0.0, f64::max);
    let half = median(&left);
    writeln!(
        out,
        "| ms until a dropped statement has left the server's list, median / most of {SINGLE} | {half:.1} / {most:.1} |"
    )?;
    let (busiest, all) = runtime.block_on(many(&stage.url))?;
    writeln!(
        out,
        "| most that the server worked on, {MANY} dropped by {TASKS} tasks over {CONNECTIONS} connections | {busiest} |"
    )?;
    writeln!(
        out,
        "| s until all of them had left | {:.2} |",
        all.as_secs_f64()
    )?;
    let (wrong, failed) = runtime.block_on(random(&stage.url, drops))?;
    writeln!(
        out,
        "| later statements with another answer / an error, {drops} random drops | {wrong} / {failed} |\n"
    )?;
    Ok(())
}

fn registry(url: &str, connections: usize) -> Result<Registry> {
    let database = Database::builder(url)
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(10));
    Ok(Registry::builder(database).build()?)
}

async fn active(witness: &Client) -> Result<i64> {
    Ok(witness.query_one(ACTIVE, &[]).await?.try_get(0)?)
}

/// Milliseconds from each drop until the server works on the statement no more.
async fn single(url: &str) -> Result<Vec<f64>> {
    let registry = registry(url, CONNECTIONS)?;
    let lifespan = registry.connect().await?;
    let witness = connect(url).await?;
    let mut left = Vec::new();
    for _ in 0..SINGLE {
        let long = sql(LONG);
        let _ = timeout(Duration::from_millis(30), long.one::<(i64,)>(&registry)).await;
        let dropped = Instant::now();
        while active(&witness).await? > 0 {
            sleep(Duration::from_millis(1)).await;
        }
        left.push(dropped.elapsed().as_secs_f64() * 1e3);
    }
    lifespan.close().await?;
    Ok(left)
}

/// The most statements that the server worked on at once, and the time until it had ended all.
async fn many(url: &str) -> Result<(i64, Duration)> {
    let registry = registry(url, CONNECTIONS)?;
    let lifespan = registry.connect().await?;
    let begin = Instant::now();
    let has_ended = Arc::new(AtomicBool::new(false));
    let watching = tokio::spawn(watch(connect(url).await?, Arc::clone(&has_ended)));
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let registry = registry.clone();
            tokio::spawn(async move {
                for turn in 0..MANY / TASKS {
                    let wait = Duration::from_millis(u64::from(5 + (task * 7 + turn * 3) % 25));
                    let _ = timeout(wait, sql(LONG).one::<(i64,)>(&registry)).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await?;
    }
    has_ended.store(true, Ordering::SeqCst);
    let busiest = watching.await??;
    let all = begin.elapsed();
    lifespan.close().await?;
    Ok((busiest, all))
}

/// Looks until all has ended and the server does nothing more.
async fn watch(witness: Client, has_ended: Arc<AtomicBool>) -> Result<i64> {
    let mut busiest = 0;
    loop {
        let has_ended = has_ended.load(Ordering::SeqCst);
        let now = active(&witness).await?;
        busiest = busiest.max(now);
        if has_ended && now == 0 {
            return Ok(busiest);
        }
        sleep(Duration::from_millis(1)).await;
    }
}

/// Drops statements of several kinds at random moments, each time followed by one whose answer is known; how many of
/// those had another answer, and how many failed.
async fn random(url: &str, drops: u32) -> Result<(u32, u32)> {
    let registry = registry(url, 1)?;
    let lifespan = registry.connect().await?;
    let (mut wrong, mut failed) = (0, 0);
    let mut seed = 0x0E57_0041_u64;
    for turn in 0..drops {
        // A linear congruential generator; its high bits are the good ones.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let wait = Duration::from_micros((seed >> 33) % 3_000);
        let _ = timeout(wait, statement(&registry, (seed >> 20) % 4)).await;
        let known = sql("select cast(:turn as bigint)").bind("turn", i64::from(turn));
        match known.one::<(i64,)>(&registry).await {
            Ok((answer,)) => wrong += u32::from(answer != i64::from(turn)),
            Err(_) => failed += 1,
        }
    }
    lifespan.close().await?;
    Ok((wrong, failed))
}

async fn statement(registry: &Registry, kind: u64) -> estoult::Result<()> {
    match kind {
        0 => drop(
            sql("select cast(i as bigint) from generate_series(1, 20000) as i")
                .all::<(i64,)>(registry)
                .await?,
        ),
        1 => drop(
            sql("select cast(1 as bigint) from (select pg_sleep(0.002)) as s")
                .one::<(i64,)>(registry)
                .await?,
        ),
        2 => drop(
            sql("select cast(1 as bigint)")
                .one::<(i64,)>(registry)
                .await?,
        ),
        _ => {
            let work = registry.transaction(async |tx| {
                sql("insert into drops values (1)").execute(tx).await?;
                sql("select cast(1 as bigint) from (select pg_sleep(0.001)) as s")
                    .one::<(i64,)>(tx)
                    .await
            });
            work.await?;
        }
    }
    Ok(())
}
