//! Time limits of statements and transactions.

use std::time::{Duration, Instant};

use estoult::{Database, ErrorKind, Registry, Result, Schema, run_sync, sql};

use crate::{
    suite::{cancel::slow, transaction::put},
    support::{
        Backend, eventually, on_every_backend, on_every_fresh, run_fresh, runtime,
        schemas::{Author, author, create_tables},
        wrap,
    },
};

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(60);

on_every_backend!(a_statement_is_given_up_when_its_time_is_over, async |db| {
    create_tables(db).await?;
    let begun = Instant::now();
    let late = sql(slow(db.dialect())).timeout(SHORT).rows(db).await;
    assert!(begun.elapsed() < SHORT * 20, "{:?}", begun.elapsed());
    let error = late.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
    assert!(error.statement().is_some());
    insta::assert_snapshot!(wrap(error.message()), @r"
    run a statement: it was not done within 200ms, so it was cancelled; see what it
    waits for, or give it more time with `timeout`
    ");
    eventually("the connection is free", async || db.status().in_use == 0).await;
    author(db, "later").await?;
    assert_eq!(Author::query().timeout(LONG).count(db).await?, 1);
    Ok(())
});

// Sync code, on whose thread SQLite works.
on_every_fresh!(statements_of_sync_code_have_their_time, |fresh| {
    let registry = Registry::builder(fresh.database()).build()?;
    registry.with_async_env(|| {
        let db = registry.default_database();
        run_sync(create_tables(db))?;
        let late = |on: &Database| {
            let begun = Instant::now();
            let late = run_sync(sql(slow(db.dialect())).timeout(SHORT).rows(on));
            assert!(begun.elapsed() < SHORT * 20, "{:?}", begun.elapsed());
            late.unwrap_err()
        };
        let error = late(db);
        assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
        assert!(error.message().contains("200ms"), "{error}");
        run_sync(author(db, "later"))?;
        let begun = Instant::now();
        let limited = db.transaction_with().timeout(SHORT);
        let outcome: Result<()> = run_sync(limited.run(async |tx| {
            put(tx, "never").await?;
            sql(slow(db.dialect())).rows(tx).await.map(drop)
        }));
        assert!(begun.elapsed() < SHORT * 20, "{:?}", begun.elapsed());
        let error = outcome.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
        assert_eq!(run_sync(Author::query().count(db))?, 1);
        Ok(())
    })
});

on_every_fresh!(
    each_statement_has_the_time_that_the_database_gives,
    |fresh| {
        let db = Database::builder(&fresh.url)
            .max_connections(1)
            .acquire_timeout(LONG)
            .statement_timeout(SHORT)
            .build()?;
        runtime().block_on(async {
            let lifespan = db.connect().await?;
            let error = sql(slow(db.dialect())).rows(&db).await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
            // The limit of a verb goes before that of the database, and does not reach the next one.
            sql("select 1").timeout(LONG).rows(&db).await?;
            let error = sql(slow(db.dialect())).rows(&db).await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
            lifespan.close().await
        })
    }
);

on_every_backend!(a_transaction_has_its_time_as_a_whole, async |db| {
    create_tables(db).await?;
    let outcome: Result<()> = db
        .transaction_with()
        .timeout(SHORT)
        .run(async |tx| {
            sql("insert into authors (name) values ('cut')")
                .execute(tx)
                .await?;
            sql(slow(db.dialect())).rows(tx).await.map(drop)
        })
        .await;
    let error = outcome.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
    assert!(error.message().contains("of its transaction"), "{error}");
    eventually("the connection is free", async || db.status().in_use == 0).await;
    assert_eq!(Author::query().count(db).await?, 0);
    Ok(())
});

on_every_backend!(
    a_transaction_whose_time_is_over_is_only_rolled_back,
    async |db| {
        create_tables(db).await?;
        let tx = db.transaction_with().timeout(SHORT).begin().await?;
        sql("insert into authors (name) values ('cut')")
            .execute(&tx)
            .await?;
        tokio::time::sleep(SHORT).await;
        let error = Author::query().count(&tx).await.unwrap_err();
        insta::assert_snapshot!(wrap(error.message()), @r"
        use a transaction: the 200ms that it was given are over, so it can only be
        rolled back; give it more time with `timeout`, or do less in it
        ");
        tx.rollback().await?;
        assert_eq!(db.status().in_use, 0);
        assert_eq!(Author::query().count(db).await?, 0);
        Ok(())
    }
);

#[test]
fn no_time_at_all_is_refused() {
    let builder = Database::builder("sqlite::memory:").statement_timeout(Duration::ZERO);
    let error = builder.build().unwrap_err();
    assert_eq!(
        error.message(),
        "build a database: statement_timeout is 0, so no statement could run; allow some time"
    );
}

on_every_backend!(a_statement_without_any_time_is_refused, async |db| {
    let none = Duration::ZERO;
    let refused = |error: estoult::Error| {
        assert!(
            matches!(error.kind(), ErrorKind::Configuration),
            "{error:?}"
        );
        assert!(
            error.message().ends_with("or leave `timeout` out"),
            "{error:?}"
        );
    };
    refused(sql("select 1").timeout(none).rows(db).await.unwrap_err());
    // Also beside a statement with time.
    let all = vec![
        sql("select 1").timeout(none).into_rows::<(i64,)>(),
        sql("select 1").into_rows::<(i64,)>(),
    ];
    refused(db.pipeline(all).await.unwrap_err());
    let settings = db.transaction_with().timeout(none);
    let ran = settings.run(async |tx| sql("select 1").rows(tx).await.map(drop));
    refused(ran.await.unwrap_err());
    Ok(())
});

/// SQLite asks whether to stop once more when a statement has been carried out; its caller must not be told otherwise.
#[test]
fn a_statement_that_is_done_is_no_timeout() {
    run_fresh(Backend::Sqlite, |fresh| {
        let registry = Registry::builder(fresh.database()).build()?;
        registry.with_async_env(|| {
            let db = registry.default_database();
            let table = "create table counts (id integer primary key, n integer)";
            run_sync(sql(table).execute(db))?;
            run_sync(sql("insert into counts values (1, 0)").execute(db))?;
            // Without a loop, in which it would be stopped before.
            let numbers: Vec<_> = (0..2700).map(|number| number.to_string()).collect();
            let add = format!(
                "update counts set n = n + 1 where id = 1 and id + 0 in ({})",
                numbers.join(", ")
            );
            let add = sql(add).timeout(Duration::from_nanos(1));
            let mut done = 0;
            for _ in 0..20 {
                done += i64::from(run_sync(add.clone().execute(db)).is_ok());
            }
            let (n,): (i64,) = run_sync(sql("select n from counts").one(db))?;
            assert_eq!(n, done);
            Ok(())
        })
    });
}
