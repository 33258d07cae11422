//! Statements whose futures were dropped: the server ends them, and the pool uses their connections again.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use estoult::{Database, Result, Schema, Transaction, backend::Credentials, batch, sql};

use super::session::connection_id;
use crate::{
    suite::transaction::{names, put},
    support::{
        Backend, Fresh, eventually, run_fresh, runtime,
        schemas::{Author, create_tables},
    },
};

/// Ten times and more what it takes.
const BOUND: Duration = Duration::from_secs(5);

fn on_pool_of(connections: usize, test: impl AsyncFn(&Database, &Watch) -> Result<()>) {
    run_fresh(Backend::MySql, |fresh: &Fresh| {
        let builder = Database::builder(&fresh.url).max_connections(connections);
        let (db, witness) = (builder.build()?, fresh.database());
        runtime().block_on(async {
            let (lifespan, other) = (db.connect().await?, witness.connect().await?);
            create_tables(&db).await?;
            let watch = Watch {
                witness,
                database: fresh.name().to_owned(),
            };
            test(&db, &watch).await?;
            lifespan.close().await?;
            other.close().await
        })
    });
}

/// Looks at the list of the server.
struct Watch {
    witness: Database,
    database: String,
}

impl Watch {
    /// How many statements of the database run that sleep.
    async fn sleeping(&self) -> Result<i64> {
        let text = "select count(*) from information_schema.processlist \
                    where db = :database and command in ('Query', 'Execute') and info like 'select sleep%'";
        let query = sql(text).bind("database", self.database.clone());
        let (count,) = query.one::<(i64,)>(&self.witness).await?;
        Ok(count)
    }

    async fn until_sleeping(&self, count: i64) {
        let what = format!("{count} statements sleep on the server");
        eventually(&what, async || self.sleeping().await.unwrap() == count).await;
    }
}

/// Begins a statement that sleeps, and drops it when the server runs it.
async fn abandon(db: &Database, watch: &Watch) {
    let db = db.clone();
    let task = tokio::spawn(async move { sql("select sleep(600)").execute(&db).await });
    watch.until_sleeping(1).await;
    task.abort();
    let _ = task.await;
}

#[test]
fn an_abandoned_statement_ends_on_the_server_and_its_connection_is_used_again() {
    on_pool_of(1, async |db, watch| {
        let id = connection_id(db).await?;
        for _ in 0..5 {
            abandon(db, watch).await;
            let dropped = Instant::now();
            watch.until_sleeping(0).await;
            assert!(dropped.elapsed() < BOUND, "{:?}", dropped.elapsed());
            assert_eq!(connection_id(db).await?, id);
        }
        Ok(())
    });
}

#[test]
fn a_transaction_with_an_abandoned_statement_is_rolled_back_and_frees_its_locks() {
    on_pool_of(1, async |db, watch| {
        let ada = put(db, "Ada").await?;
        let id = connection_id(db).await?;
        let sleep = async |tx: &Transaction| {
            let change = ada.clone().change().put(Author::name, "Eve");
            change.update(tx).await?;
            sql("select sleep(600)").execute(tx).await
        };
        let sleeping = db.transaction(async |tx| sleep(tx).await);
        tokio::select! {
            done = sleeping => panic!("it sleeps for minutes: {done:?}"),
            () = watch.until_sleeping(1) => {}
        }
        let dropped = Instant::now();
        let change = ada.clone().change().put(Author::name, "Kurt");
        change.update(&watch.witness).await?;
        assert!(dropped.elapsed() < BOUND, "{:?}", dropped.elapsed());
        assert_eq!(names(db).await?, ["Kurt"]);
        assert_eq!(connection_id(db).await?, id);
        Ok(())
    });
}

#[test]
fn a_script_that_is_abandoned_stops_at_its_statement() {
    on_pool_of(1, async |db, watch| {
        let db_of_task = db.clone();
        let script =
            "select sleep(600); insert into authors (name) values ('late'); select sleep(600)";
        let task = tokio::spawn(async move { batch(&db_of_task, script).await });
        watch.until_sleeping(1).await;
        task.abort();
        assert_eq!(names(db).await?, [""; 0]);
        Ok(())
    });
}

#[test]
fn rows_that_were_on_their_way_never_reach_the_next_statement() {
    on_pool_of(1, async |db, _| {
        let many = "select seq, repeat('a', 200) from seq_1_to_5000";
        for number in 0..40_u32 {
            let rows = sql(many).all::<(i64, String)>(db);
            let limit = Duration::from_micros(500 * u64::from(number));
            let _ = tokio::time::timeout(limit, rows).await;
            let echoed = sql("select :number").bind("number", i64::from(number));
            assert_eq!(echoed.one::<(i64,)>(db).await?, (i64::from(number),));
        }
        Ok(())
    });
}

#[test]
fn the_server_never_works_on_more_than_the_pool_has_connections() {
    on_pool_of(4, async |db, watch| {
        let cancelled = async {
            for _ in 0..500 {
                let sleep = sql("select sleep(600)").execute(db);
                let _ = tokio::time::timeout(Duration::from_millis(5), sleep).await;
            }
        };
        let watched = async {
            let mut most = 0;
            loop {
                most = most.max(watch.sleeping().await.unwrap());
                assert!(most <= 4, "{most} statements run");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            () = cancelled => {}
            () = watched => {}
        }
        watch.until_sleeping(0).await;
        assert_eq!(Author::query().count(db).await?, 0);
        Ok(())
    });
}

#[test]
fn a_cancellation_logs_in_as_new_connections_do() {
    run_fresh(Backend::MySql, |fresh: &Fresh| {
        let watch = Watch {
            witness: fresh.database(),
            database: fresh.name().to_owned(),
        };
        let user = format!("{}_app", fresh.name());
        let password = Arc::new(Mutex::new("first"));
        let (name, newest) = (user.clone(), Arc::clone(&password));
        let credentials = move || {
            let credentials = Credentials::new(name.clone(), *newest.lock().unwrap());
            async { Ok(credentials) }
        };
        let builder = Database::builder(&fresh.url).max_connections(1);
        let db = builder.credentials(credentials).build()?;
        runtime().block_on(async {
            let witness = &watch.witness;
            let other = witness.connect().await?;
            let database = fresh.name();
            batch(
                witness,
                &format!(
                    "create user '{user}'@'%' identified by 'first'; grant all on {database}.* to '{user}'@'%'"
                ),
            )
            .await?;
            let lifespan = db.connect().await?;
            let id = connection_id(&db).await?;
            let changed = format!("alter user '{user}'@'%' identified by 'second'");
            batch(witness, &changed).await?;
            *password.lock().unwrap() = "second";
            abandon(&db, &watch).await;
            watch.until_sleeping(0).await;
            assert_eq!(connection_id(&db).await?, id);
            lifespan.close().await?;
            batch(witness, &format!("drop user '{user}'@'%'")).await?;
            other.close().await
        })
    });
}
