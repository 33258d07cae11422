//! Eight threads that wait for PostgreSQL, each with a runtime and a connection of its own.

use std::{
    hint::black_box,
    sync::{Barrier, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use estoult::{Registry, Schema, run_sync};
use sqlx::{Connection, FromRow, PgConnection, query_as};
use tokio::runtime::Builder;

use crate::{ROWS, Result, User};

const THREADS: u32 = 8;
/// How often a new connection is asked before the clock starts: the server plans the first ones anew each time.
const WARM_UP: u32 = 20;
const BY_KEY: &str = "select id, name, email from users where id = $1";

#[derive(FromRow)]
#[expect(
    dead_code,
    reason = "the fields are decoded, as those of the other contender are"
)]
struct RawUser {
    id: i64,
    name: String,
    email: Option<String>,
}

fn key(turn: u32) -> i64 {
    i64::from(turn) * 7919 % ROWS + 1
}

/// Each thread with a current-thread runtime and one connection of sqlx.
pub fn raw(url: &str, times: u32) -> Result<Duration> {
    together(|meet| {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let mut connection = runtime.block_on(PgConnection::connect(url))?;
        let mut ask = |turn| {
            let query = query_as::<_, RawUser>(BY_KEY).bind(key(turn));
            runtime.block_on(query.fetch_optional(&mut connection))
        };
        for turn in 0..WARM_UP {
            ask(turn)?;
        }
        meet();
        for turn in 0..times / THREADS {
            black_box(ask(turn)?);
        }
        meet();
        runtime.block_on(connection.close())?;
        Ok(())
    })
}

/// The connections of sqlx, but each query through `run_sync`: what the bridge alone costs.
pub fn raw_bridged(registry: &Registry, url: &str, times: u32) -> Result<Duration> {
    let failed = |error: sqlx::Error| estoult::Error::custom(error.to_string());
    together(|meet| {
        let work = || {
            let connect = async { PgConnection::connect(url).await.map_err(failed) };
            let mut connection = run_sync(connect)?;
            let mut ask = |turn| {
                let query = query_as::<_, RawUser>(BY_KEY).bind(key(turn));
                run_sync(async { query.fetch_optional(&mut connection).await.map_err(failed) })
            };
            for turn in 0..WARM_UP {
                ask(turn)?;
            }
            meet();
            for turn in 0..times / THREADS {
                black_box(ask(turn)?);
            }
            meet();
            run_sync(async { connection.close().await.map_err(failed) })
        };
        Ok(registry.with_async_env(work)?)
    })
}

/// estoult's queries, but each in `block_on` of a runtime of the thread's own: what the queries alone cost.
pub fn unbridged(registry: &Registry, times: u32) -> Result<Duration> {
    together(|meet| {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let ask = |turn| runtime.block_on(User::get(registry, key(turn)));
        for turn in 0..WARM_UP {
            ask(turn)?;
        }
        meet();
        for turn in 0..times / THREADS {
            black_box(ask(turn)?);
        }
        meet();
        Ok(())
    })
}

/// Each thread inside of `with_async_env`.
pub fn bridged(registry: &Registry, times: u32) -> Result<Duration> {
    together(|meet| {
        let work = || {
            for turn in 0..WARM_UP {
                run_sync(User::get(registry, key(turn)))?;
            }
            meet();
            for turn in 0..times / THREADS {
                black_box(run_sync(User::get(registry, key(turn)))?);
            }
            meet();
            Ok(())
        };
        Ok(registry.with_async_env(work)?)
    })
}

/// Runs work in all threads and takes the time between their two meetings.
fn together(work: impl Fn(&dyn Fn()) -> Result<()> + Sync) -> Result<Duration> {
    let barrier = Barrier::new(THREADS as usize);
    let met = Mutex::new(Vec::new());
    let meet = || {
        if barrier.wait().is_leader() {
            let mut met = met.lock().unwrap_or_else(PoisonError::into_inner);
            met.push(Instant::now());
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| work(&meet))).collect();
        let mut outcomes = threads.into_iter().map(thread::ScopedJoinHandle::join);
        outcomes.try_for_each(|outcome| outcome.map_err(|_| "a thread panicked")?)
    })?;
    let met = met.into_inner().unwrap_or_else(PoisonError::into_inner);
    match met.as_slice() {
        [begun, done] => Ok(*done - *begun),
        _ => Err("the threads did not meet twice".into()),
    }
}
