//! Statements whose futures are dropped: the server ends them soon, never works on more than the pool allows, and no
//! later statement is hit.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use estoult::{
    Database, Error, ErrorKind, Result, Schema, Sql, Transaction, batch, copy::copy_in, insert_all,
    new, sql,
};

use super::{on_one_connection, process};
use crate::support::{
    Backend, Dice, Fresh, cases, cut_after, eventually, first_seed, run_fresh, runtime, within,
};

const NAP: &str = "select pg_sleep(600)";

/// How many others work on the database of this handle.
async fn working(witness: &Database) -> Result<i64> {
    let text = "select count(*) from pg_stat_activity where datname = current_database() \
        and backend_type = 'client backend' and pid <> pg_backend_pid() and state <> 'idle'";
    let (count,) = sql(text).one(witness).await?;
    Ok(count)
}

#[test]
fn a_dropped_statement_leaves_the_servers_list_soon() {
    on_one_connection("", async |db, fresh| {
        let witness = fresh.database();
        let lifespan = witness.connect().await?;
        let first = process(db).await?;
        for _ in 0..5 {
            let nap = db.clone();
            let task = tokio::spawn(async move { sql(NAP).rows(&nap).await.map(drop) });
            eventually("it runs", async || working(&witness).await.unwrap() == 1).await;
            task.abort();
            let begun = Instant::now();
            eventually("it has left", async || {
                working(&witness).await.unwrap() == 0
            })
            .await;
            assert!(
                begun.elapsed() < Duration::from_secs(5),
                "{:?}",
                begun.elapsed()
            );
        }
        assert_eq!(process(db).await?, first);
        lifespan.close().await
    });
}

#[test]
fn the_server_never_works_on_more_than_the_pool_allows() {
    run_fresh(Backend::Postgres, |fresh| {
        let db = Database::builder(&fresh.url)
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(60))
            .build()?;
        let witness = fresh.database();
        runtime().block_on(async {
            let lifespans = (db.connect().await?, witness.connect().await?);
            let is_over = AtomicBool::new(false);
            let drops = async {
                let tasks = (0..8).map(|task| {
                    let db = db.clone();
                    tokio::spawn(async move {
                        for number in 0..62 {
                            let limit = Duration::from_millis((task + number) % 7);
                            let nap = tokio::time::timeout(limit, sql(NAP).rows(&db));
                            nap.await.unwrap_err();
                        }
                    })
                });
                for task in tasks.collect::<Vec<_>>() {
                    task.await.unwrap();
                }
                is_over.store(true, Ordering::SeqCst);
            };
            let watch = async {
                let mut most = 0;
                while !is_over.load(Ordering::SeqCst) {
                    most = most.max(working(&witness).await?);
                }
                Ok::<_, Error>(most)
            };
            let ((), most) = within(
                "all are dropped",
                Box::pin(async { tokio::join!(drops, watch) }),
            )
            .await;
            let most = most?;
            assert!(most <= 4, "the server worked on {most} statements");
            eventually("nothing is left", async || {
                working(&witness).await.unwrap() == 0
            })
            .await;
            eventually("no connection is in use", async || db.status().in_use == 0).await;
            lifespans.0.close().await?;
            lifespans.1.close().await
        })
    });
}

/// Statements that may be dropped.
const STATEMENTS: [&str; 5] = [
    "select 1",
    "select repeat('x', 100) from generate_series(1, 20000)",
    NAP,
    "copy copied from stdin",
    "update locked set id = 2",
];
const SCRIPTS: [&str; 2] = [
    "select pg_sleep(0.001); select 1; select pg_sleep(0.002)",
    "select pg_sleep(0.001); copy copied from stdin; select 1",
];
/// How many kinds of work there are.
const KINDS: usize = 13;
/// The kind whose connection is closed, so that nothing behind the dropped statement runs.
const LONE_PIPELINE: usize = 11;

/// What may be dropped, each after a while of its own.
async fn work(db: &Database, kind: usize) -> Result<()> {
    match kind {
        0..5 => sql(STATEMENTS[kind]).rows(db).await.map(drop),
        5..7 => batch(db, SCRIPTS[kind - 5]).await,
        7 => {
            let tx = db.begin().await?;
            tx.pipeline(naps()).await?;
            tx.commit().await
        }
        8 => {
            let data = tokio::io::AsyncReadExt::chain("1\n2\n".as_bytes(), Endless);
            copy_in(db, "copy copied from stdin", data).await.map(drop)
        }
        9 => db.transaction(insert_and_give_up).await,
        LONE_PIPELINE => db.pipeline(naps()).await.map(drop),
        12 => {
            // Enough of them for a COPY; a foreign key that no row satisfies keeps none.
            let rows = (0..12_000).map(|_| new!(Never { parent: 1 }));
            insert_all(db, rows).await.map(drop)
        }
        _ => {
            let tx = db.begin().await?;
            let nested = tx.savepoint().await?;
            insert_and_give_up(&nested).await
        }
    }
}

fn naps() -> Vec<Sql> {
    let naps = (0..20).map(|_| sql("select pg_sleep(0.0005)"));
    naps.collect()
}

/// A row that its table refuses.
#[derive(Debug, Schema)]
struct Never {
    id: i64,
    parent: i32,
}

async fn insert_and_give_up(tx: &Transaction) -> Result<()> {
    sql("insert into things values (-1)").execute(tx).await?;
    sql("select pg_sleep(0.002)").rows(tx).await?;
    Err(Error::custom("given up"))
}

/// Data that never end.
struct Endless;

impl tokio::io::AsyncRead for Endless {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Pending
    }
}

/// Drops work after random times or polls, and looks each time that the next statement is answered rightly.
async fn drop_often(db: &Database, seed: usize) -> Result<usize> {
    let mut dice = Dice::new(seed);
    let kind = dice.roll(KINDS);
    let limit = Duration::from_micros(u64::try_from(dice.roll(6000)).unwrap());
    let polls = [usize::MAX, dice.roll(12)][dice.roll(2)];
    let _ = tokio::time::timeout(limit, cut_after(polls, work(db, kind))).await;
    let number = i64::try_from(seed).unwrap();
    let echo = sql("select :n::bigint").bind("n", number);
    let answer = within("it is answered", echo.one::<(i64,)>(db)).await;
    match answer {
        Ok(answer) => assert_eq!(answer, (number,), "seed {seed}, kind {kind}"),
        Err(error) => panic!("seed {seed}, kind {kind}: {error:?}"),
    }
    Ok(kind)
}

#[test]
fn random_drops_hit_no_later_statement() {
    on_one_connection("", async |db, fresh| {
        let witness = fresh.database();
        let lifespan = witness.connect().await?;
        batch(&witness, "create table things (id int); create table copied (id int); create table locked (id int); \
            insert into locked values (1); create table parents (id int primary key); \
            create table nevers (id bigserial primary key, parent int not null references parents)").await?;
        let holder = witness.begin().await?;
        sql("select * from locked for update").rows(&holder).await?;
        let mut processes = HashSet::new();
        let first = first_seed();
        for seed in first..first + cases(400, 10_000) {
            if drop_often(db, seed).await? == LONE_PIPELINE {
                processes.clear();
            }
            processes.insert(process(db).await?);
            assert_eq!(processes.len(), 1, "a connection was opened anew");
        }
        holder.rollback().await?;
        eventually("nothing is left", async || {
            working(&witness).await.unwrap() == 0
        })
        .await;
        let kept = "select (select count(*) from things) + (select count(*) from copied)";
        assert_eq!(sql(kept).one::<(i64,)>(&witness).await?, (0,));
        lifespan.close().await
    });
}

#[test]
fn a_transaction_that_waits_for_a_lock_can_be_dropped() {
    on_one_connection("", async |db, fresh| {
        let witness = fresh.database();
        let lifespan = witness.connect().await?;
        batch(
            &witness,
            "create table locked (id int); insert into locked values (1)",
        )
        .await?;
        let holder = witness.begin().await?;
        sql("select * from locked for update").rows(&holder).await?;
        let first = process(db).await?;
        for _ in 0..3 {
            let waiter = db.clone();
            let waiting = tokio::spawn(async move {
                waiter
                    .transaction(async |tx| sql("update locked set id = 2").execute(tx).await)
                    .await
            });
            // The holder, which is idle in its transaction, and the one that waits.
            eventually("it waits", async || working(&witness).await.unwrap() == 2).await;
            waiting.abort();
            eventually("it has left", async || {
                working(&witness).await.unwrap() == 1
            })
            .await;
            assert_eq!(process(db).await?, first);
        }
        holder.rollback().await?;
        let (id,): (i32,) = sql("select id from locked").one(db).await?;
        assert_eq!(id, 1);
        lifespan.close().await
    });
}

#[test]
fn short_deadlines_make_progress_without_new_connections() {
    run_fresh(Backend::Postgres, |fresh: &Fresh| {
        let db = Database::builder(&fresh.url)
            .max_connections(2)
            .acquire_timeout(Duration::from_secs(60))
            .build()?;
        runtime().block_on(async {
            let lifespan = db.connect().await?;
            let (mut done, mut processes) = (0, HashSet::new());
            for number in 0..300_u64 {
                let limit = Duration::from_millis(number % 5);
                let text = "select count(*) from generate_series(1, 3000)";
                match sql(text)
                    .timeout(limit.max(Duration::from_micros(1)))
                    .rows(&db)
                    .await
                {
                    Ok(_) => done += 1,
                    Err(error) => assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}"),
                }
                if number % 10 == 0 {
                    processes.insert(process(&db).await?);
                }
            }
            assert!(done > 0, "no statement was done");
            assert!(
                processes.len() <= 2,
                "{} connections were opened",
                processes.len()
            );
            lifespan.close().await
        })
    });
}

/// Drops a pipeline whose first statement waits, before many that write, and gives how many rows those wrote.
async fn drop_a_pipeline(db: &Database, witness: &Database, count: usize) -> Result<i64> {
    let writes = (0..count).map(|_| sql("insert into things values (1)"));
    let statements: Vec<_> = std::iter::once(sql(NAP)).chain(writes).collect();
    let own = db.clone();
    let task = tokio::spawn(async move { own.pipeline(statements).await.map(drop) });
    eventually("it runs", async || working(witness).await.unwrap() == 1).await;
    task.abort();
    eventually("it has left", async || working(witness).await.unwrap() == 0).await;
    eventually("the connection is free", async || db.status().in_use == 0).await;
    let count = sql("select count(*) from things").one::<(i64,)>(witness);
    Ok(count.await?.0)
}

#[test]
fn nothing_behind_the_running_statement_of_a_dropped_pipeline_runs() {
    on_one_connection("", async |db, fresh| {
        let witness = fresh.database();
        let lifespan = witness.connect().await?;
        batch(&witness, "create table things (id int)").await?;
        // Those that lie in the buffers of the server, and those that were not sent yet.
        for count in [1, 100, 200_000] {
            assert_eq!(drop_a_pipeline(db, &witness, count).await?, 0, "{count}");
        }
        // In a transaction all of it is rolled back, and the connection is used again.
        let first = process(db).await?;
        let own = db.clone();
        let task = tokio::spawn(async move {
            let tx = own.begin().await?;
            let statements = [
                "insert into things values (1)",
                NAP,
                "insert into things values (1)",
            ];
            tx.pipeline(Vec::from(statements.map(sql))).await.map(drop)
        });
        eventually("it runs", async || working(&witness).await.unwrap() == 1).await;
        task.abort();
        eventually("it has left", async || {
            working(&witness).await.unwrap() == 0
        })
        .await;
        assert_eq!(process(db).await?, first);
        assert_eq!(sql("select * from things").execute(&witness).await?, 0);
        lifespan.close().await
    });
}
