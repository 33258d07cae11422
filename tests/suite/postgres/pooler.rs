//! PgBouncer in transaction mode, which gives each unit of statements another session of the server: no statement meets
//! that of another client. The control prepares in one unit and runs in the next, as drivers do.

use std::{thread, time::Duration};

use estoult::{Database, Result, Schema, batch, sql};

use crate::support::{
    Backend, Fresh, cases, cut_after, eventually, run_fresh, runtime,
    schemas::{Author, author, create_tables},
    servers::{Server, pgbouncer},
};

mod two_flights;

const CLIENTS: usize = 50;
/// The sessions of the server that they share.
const SESSIONS: usize = 10;

/// A pooler before a database of its own; none where it is not installed.
fn before(fresh: &Fresh) -> Option<Server> {
    pgbouncer(&fresh.url, "transaction", SESSIONS)
}

fn pooled(pooler: &Server, connections: usize) -> Result<Database> {
    Database::builder(format!("{}?statement_cache_capacity=0", pooler.url()))
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(60))
        .build()
}

/// Runs a test on a database behind a pooler.
fn behind_pooler(connections: usize, test: impl AsyncFnOnce(&Database) -> Result<()>) {
    run_fresh(Backend::Postgres, |fresh| {
        let Some(pooler) = before(fresh) else {
            return Ok(());
        };
        let db = pooled(&pooler, connections)?;
        runtime().block_on(async {
            let lifespan = db.connect().await?;
            create_tables(&db).await?;
            test(&db).await?;
            lifespan.close().await
        })
    });
}

/// One client: statements with texts and values of its own.
async fn ask(db: Database, client: i64, count: i64) -> Result<()> {
    for number in 0..count {
        match number % 4 {
            0 | 1 => {
                let text = format!("select {client} + :a, pg_backend_pid()");
                let (sum, _): (i64, i32) = sql(text).bind("a", number << 32).one(&db).await?;
                assert_eq!(sum, client + (number << 32));
            }
            2 => {
                let name = format!("client {client}");
                let written = author(&db, &name).await?;
                let read = Author::get(&db, written.id).await?;
                assert_eq!(read, Some(written));
            }
            _ => in_transaction(&db, client, number).await?,
        }
    }
    let own = Author::query().filter(Author::name.eq(format!("client {client}")));
    assert_eq!(
        own.count(&db).await?,
        u64::try_from((count + 1) / 4).unwrap()
    );
    Ok(())
}

/// A transaction with a setting of its own, as row-level security asks for.
async fn in_transaction(db: &Database, client: i64, number: i64) -> Result<()> {
    let expected = format!("{client}/{number}");
    let read = db.transaction(async |tx| {
        let set = sql("select set_config('shop.tenant', :value, true)");
        set.bind("value", expected.as_str()).rows(tx).await?;
        let text = "select current_setting('shop.tenant'), :n::bigint";
        sql(text).bind("n", number).one::<(String, i64)>(tx).await
    });
    assert_eq!(read.await?, (expected.clone(), number));
    let outside = sql("select coalesce(current_setting('shop.tenant', true), '')");
    assert_eq!(outside.one::<(String,)>(db).await?.0, "");
    Ok(())
}

#[test]
fn many_clients_meet_no_statement_of_another() {
    behind_pooler(CLIENTS, async |db| {
        let each = i64::try_from(cases(5000, 100_000) / CLIENTS).unwrap();
        let clients = (0..i64::try_from(CLIENTS).unwrap())
            .map(|client| tokio::spawn(ask(db.clone(), client, each)));
        for client in clients.collect::<Vec<_>>() {
            client.await.unwrap()?;
        }
        Ok(())
    });
}

#[test]
fn a_pipeline_and_a_preload_are_answered_rightly() {
    behind_pooler(4, async |db| {
        for round in 0..20_i64 {
            author(db, "Kurt").await?;
            let statements = (0..20).map(|number| {
                let statement = sql("select :n::bigint").bind("n", number + round);
                statement.into_rows::<(i64,)>()
            });
            let found = db.pipeline(statements.collect::<Vec<_>>()).await?;
            for (number, rows) in (0..).zip(found) {
                assert_eq!(rows?, [(number + round,)]);
            }
            Author::query().preload(Author::books).all(db).await?;
        }
        Ok(())
    });
}

#[test]
fn a_dropped_statement_hits_none_of_another_client() {
    behind_pooler(12, async |db| {
        let others = (0..10).map(|client| tokio::spawn(ask(db.clone(), client, 60)));
        let others = others.collect::<Vec<_>>();
        for polls in 0..60 {
            let slow = sql("select pg_sleep(0.02), repeat('x', 100) from generate_series(1, 3)");
            let _ = cut_after(1 + polls % 5, slow.rows(db)).await;
        }
        for other in others {
            other.await.unwrap()?;
        }
        eventually("no connection is in use", async || db.status().in_use == 0).await;
        Ok(())
    });
}

#[test]
fn nothing_is_left_prepared_on_the_server() {
    behind_pooler(1, async |db| {
        for number in 0..20 {
            sql(format!("select {number} + :a"))
                .bind("a", 1)
                .rows(db)
                .await?;
        }
        let (named,): (i64,) = sql("select count(*) from pg_prepared_statements where name <> ''")
            .one(db)
            .await?;
        assert_eq!(named, 0);
        batch(db, "select 1; select 2").await
    });
}

/// A server's role may be read-only; a session that a pooler hands out may not.
#[test]
fn a_read_only_database_behind_a_pooler_is_refused() {
    let url = "postgres://app@127.0.0.1:1/shop";
    for builder in [
        Database::builder(format!("{url}?statement_cache_capacity=0")),
        Database::builder(url).statement_cache_capacity(0),
    ] {
        let error = builder.read_only().build().unwrap_err();
        assert_eq!(
            error.message(),
            "build a read-only database on postgres://app@127.0.0.1:1/shop: behind a pooler no session can be made \
             read-only; give the pooler a user for whom `alter role … set default_transaction_read_only = on` was run"
        );
    }
}

#[test]
fn only_postgres_keeps_no_statement() {
    for url in ["sqlite::memory:", "mysql://app@127.0.0.1:1/shop"] {
        let builder = Database::builder(url).statement_cache_capacity(0);
        let error = builder.build().unwrap_err();
        assert!(
            error.message().ends_with(
                "statement_cache_capacity is 0, which only PostgreSQL takes; allow at least 1"
            ),
            "{error}"
        );
        Database::builder(url)
            .statement_cache_capacity(1)
            .build()
            .unwrap();
    }
}

#[test]
fn a_startup_option_that_a_pooler_refuses_is_sent_only_if_it_was_asked_for() {
    run_fresh(Backend::Postgres, |fresh| {
        let Some(pooler) = before(fresh) else {
            return Ok(());
        };
        runtime().block_on(async {
            for options in ["", "?statement_cache_capacity=0", "?application_name=shop"] {
                let db = Database::builder(format!("{}{options}", pooler.url())).build()?;
                db.connect().await?.close().await?;
            }
            let asked = format!("{}?options=-c%20work_mem%3D7MB", pooler.url());
            let error = Database::builder(asked)
                .build()?
                .connect()
                .await
                .unwrap_err();
            assert!(
                error.message().contains("unsupported startup parameter"),
                "{error}"
            );
            Ok(())
        })
    });
}

/// The control: were it right, the pooler would not be one, and the tests above would show nothing.
#[test]
fn statements_in_two_flights_are_mixed_up() {
    run_fresh(Backend::Postgres, |fresh| {
        let Some(pooler) = before(fresh) else {
            return Ok(());
        };
        let url = pooler.url().to_owned();
        let clients = (0..24).map(|client| {
            let url = url.clone();
            thread::spawn(move || two_flights::ask(&url, client * 1000, 60))
        });
        let right: usize = clients
            .collect::<Vec<_>>()
            .into_iter()
            .map(|client| client.join().unwrap())
            .sum();
        assert!(
            right < 24 * 60,
            "all {right} statements were answered rightly"
        );
        Ok(())
    });
}
