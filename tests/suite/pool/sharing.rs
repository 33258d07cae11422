//! One set of connections for all threads and runtimes.

use std::{
    collections::HashSet,
    sync::{Barrier, Mutex},
    thread,
    time::Duration,
};

use estoult::{Database, Dialect, Registry, Result, run_sync, sql};
use tokio::runtime::Builder;

use crate::support::{Fresh, on_every_fresh, runtime};

const THREADS: usize = 16;
const TURNS: usize = 20;

fn small(fresh: &Fresh) -> Result<Database> {
    Database::builder(&fresh.url)
        .max_connections(4)
        .acquire_timeout(Duration::from_secs(60))
        .build()
}

/// The connection that a statement ran on.
async fn connection_id(db: &Database) -> Result<i64> {
    let text = match db.dialect() {
        Dialect::Postgres => "select cast(pg_backend_pid() as bigint)",
        Dialect::Sqlite => "select 1",
        _ => "select cast(connection_id() as signed)",
    };
    sql(text).one::<(i64,)>(db).await.map(|(id,)| id)
}

/// Runs work on many threads at once, and gives the connections that they had.
fn connections(work: impl Fn() -> Result<i64> + Sync) -> HashSet<i64> {
    let (seen, barrier) = (Mutex::new(HashSet::new()), Barrier::new(THREADS));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                barrier.wait();
                for _ in 0..TURNS {
                    let id = work().unwrap();
                    seen.lock().unwrap().insert(id);
                }
            });
        }
    });
    seen.into_inner().unwrap()
}

on_every_fresh!(
    threads_with_environments_of_their_own_share_few_connections,
    |fresh| {
        let registry = Registry::builder(small(fresh)?).build()?;
        let db = registry.default_database();
        let shared = runtime();
        let lifespan = shared.block_on(registry.connect())?;
        let seen = connections(|| registry.with_async_env(|| run_sync(connection_id(db))));
        assert!(seen.len() <= 4, "{} connections", seen.len());
        assert!(db.status().open <= 4);
        shared.block_on(lifespan.close())
    }
);

on_every_fresh!(
    threads_with_runtimes_of_their_own_share_few_connections,
    |fresh| {
        let db = small(fresh)?;
        let shared = runtime();
        let lifespan = shared.block_on(db.connect())?;
        let seen = connections(|| {
            let own = Builder::new_current_thread().enable_all().build().unwrap();
            own.block_on(connection_id(&db))
        });
        assert!(seen.len() <= 4, "{} connections", seen.len());
        shared.block_on(lifespan.close())
    }
);

/// A request of a web server: something that the database needs a few milliseconds for, and where it ran.
async fn request(db: &Database) -> Result<i64> {
    let text = match db.dialect() {
        Dialect::Postgres => {
            "select cast(pg_backend_pid() as bigint) from (select pg_sleep(0.005)) slept"
        }
        Dialect::Sqlite => "select 1",
        _ => "select cast(connection_id() as signed) from (select sleep(0.005) as slept) slept",
    };
    sql(text).one::<(i64,)>(db).await.map(|(id,)| id)
}

on_every_fresh!(
    workers_with_many_requests_each_share_few_connections,
    |fresh| {
        let db = Database::builder(&fresh.url)
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(10))
            .build()?;
        let shared = runtime();
        let lifespan = shared.block_on(db.connect())?;
        let worker = || {
            let own = Builder::new_current_thread().enable_all().build().unwrap();
            own.block_on(async {
                let requests: Vec<_> = (0..50)
                    .map(|_| {
                        let db = db.clone();
                        tokio::spawn(async move { request(&db).await })
                    })
                    .collect();
                let mut seen = HashSet::new();
                for request in requests {
                    seen.insert(request.await.unwrap()?);
                }
                Result::Ok(seen)
            })
        };
        let seen = thread::scope(|scope| {
            let workers: Vec<_> = (0..4).map(|_| scope.spawn(worker)).collect();
            let mut seen = HashSet::new();
            for worker in workers {
                seen.extend(worker.join().unwrap()?);
            }
            Result::Ok(seen)
        })?;
        // One more where the first connection belonged to the runtime that connected.
        assert!(seen.len() <= 5, "{} connections", seen.len());
        assert!(db.status().open <= 4);
        shared.block_on(lifespan.close())
    }
);

on_every_fresh!(
    a_transaction_is_used_on_another_runtime_than_it_was_begun_on,
    |fresh| {
        let db = small(fresh)?;
        let shared = runtime();
        let lifespan = shared.block_on(db.connect())?;
        let own = || Builder::new_current_thread().enable_all().build().unwrap();
        let tx = own().block_on(db.begin())?;
        let one: (i64,) = own().block_on(sql("select 1").one(&tx))?;
        assert_eq!(one, (1,));
        own().block_on(tx.rollback())?;
        assert_eq!(db.status().in_use, 0);
        shared.block_on(lifespan.close())
    }
);
