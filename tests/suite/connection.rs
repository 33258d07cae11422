//! Around a connection: hooks for new ones, credentials for each connect, variables of a transaction, the driver's own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use estoult::{
    Database, Dialect, Error, ErrorKind, backend::Credentials, batch, database::NewConnection, sql,
};

use crate::support::{
    Backend, eventually, on_every_backend, on_every_fresh, run_fresh, runtime, within,
};

on_every_fresh!(each_new_connection_is_prepared_once, |fresh| {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let prepare = move |connection: NewConnection| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            let table = "create temporary table seen (id integer primary key)";
            sql(table).execute(&connection).await.map(|_| ())
        }
    };
    let builder = Database::builder(fresh.url.clone()).max_connections(1);
    let db = builder.on_new_connection(prepare).build()?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        for id in 1..=3 {
            sql("insert into seen (id) values (:id)")
                .bind("id", id)
                .execute(&db)
                .await?;
        }
        let (count,): (i64,) = sql("select count(*) from seen").one(&db).await?;
        assert_eq!(count, 3);
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        lifespan.close().await
    })
});

on_every_fresh!(a_hook_that_fails_fails_the_statement, |fresh| {
    let builder = Database::builder(fresh.url.clone()).min_connections(0);
    let db = builder
        .on_new_connection(|_| async { Err(Error::custom("no rows today")) })
        .build()?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        let error = sql("select 1").execute(&db).await.unwrap_err();
        assert!(error.to_string().contains("no rows today"), "{error}");
        assert_eq!(db.status().open, 0);
        lifespan.close().await
    })
});

on_every_fresh!(a_hook_that_fails_fails_connecting_and_health, |fresh| {
    let fail = |_| async { Err(Error::custom("no rows today")) };
    let eager = Database::builder(fresh.url.clone()).on_new_connection(fail);
    let lazy = Database::builder(fresh.url.clone()).min_connections(0);
    let (eager, lazy) = (eager.build()?, lazy.on_new_connection(fail).build()?);
    runtime().block_on(async {
        let error = eager.connect().await.unwrap_err();
        assert!(error.to_string().contains("no rows today"), "{error}");
        let lifespan = lazy.connect().await?;
        let health = lazy.health().await;
        let error = health.error.as_ref().unwrap();
        assert!(error.to_string().contains("no rows today"), "{error}");
        lifespan.close().await
    })
});

on_every_fresh!(a_hook_that_never_ends_is_given_up, |fresh| {
    let builder = Database::builder(fresh.url.clone())
        .connect_timeout(Duration::from_millis(500))
        .min_connections(0)
        .max_connections(1);
    let wait = |_| async { std::future::pending().await };
    let db = builder.on_new_connection(wait).build()?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        for _ in 0..2 {
            let waited = within("it is given up", sql("select 1").rows(&db));
            let error = waited.await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
            assert!(error.to_string().contains("hook"), "{error}");
        }
        lifespan.close().await
    })
});

on_every_fresh!(
    a_hook_that_leaves_a_transaction_open_fails_the_statement,
    |fresh| {
        let builder = Database::builder(fresh.url.clone()).min_connections(0);
        let db = builder
            .on_new_connection(|connection| async move { batch(&connection, "begin").await })
            .build()?;
        runtime().block_on(async {
            let lifespan = db.connect().await?;
            for _ in 0..3 {
                let error = sql("select 1").rows(&db).await.unwrap_err();
                let is_known = matches!(error.kind(), ErrorKind::Configuration);
                assert!(is_known, "{error:?}");
                assert!(error.to_string().contains("open transaction"), "{error}");
            }
            eventually("its connections are closed", async || db.status().open == 0).await;
            lifespan.close().await
        })
    }
);

on_every_fresh!(credentials_are_asked_for_before_each_connect, |fresh| {
    let user_and_password = fresh
        .url
        .split(['/', '@'])
        .nth(2)
        .unwrap_or_default()
        .to_owned();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let source = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        let (user, password) = user_and_password.split_once(':').unwrap_or_default();
        let credentials = Credentials::new(user, password);
        async { Ok(credentials) }
    };
    // The URL itself has a password that is wrong.
    let url = match fresh.url.split_once('@') {
        Some((_, rest)) => format!(
            "{}://stranger:wrong@{rest}",
            fresh.url.split(':').next().unwrap()
        ),
        None => fresh.url.clone(),
    };
    let built = Database::builder(url).credentials(source).build();
    if fresh.backend() == Backend::Sqlite {
        let error = built.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Configuration),
            "{error:?}"
        );
        return Ok(());
    }
    let db = built?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        let (first, second) = (db.pin().await?, db.pin().await?);
        for pinned in [&first, &second] {
            sql("select 1").execute(pinned).await?;
        }
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        drop((first, second));
        lifespan.close().await
    })
});

on_every_fresh!(
    a_source_of_credentials_that_fails_is_a_failed_connect,
    |fresh| {
        if fresh.backend() == Backend::Sqlite {
            return Ok(());
        }
        let builder = Database::builder(fresh.url.clone());
        let db = builder
            .credentials(|| async { Err(Error::custom("the vault is sealed")) })
            .build()?;
        runtime().block_on(async {
            let error = db.connect().await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
            assert!(error.to_string().contains("the vault is sealed"), "{error}");
            Ok(())
        })
    }
);

const VARIABLE: &str = "select coalesce(current_setting('app.customer', true), '')";

on_every_backend!(a_variable_ends_with_its_transaction, async |db| {
    let builder = db.transaction_with().variable("app.customer", "it's 7");
    let seen = builder
        .run(async |tx| sql(VARIABLE).one::<(String,)>(tx).await)
        .await;
    if db.dialect() != Dialect::Postgres {
        let error = seen.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error:?}");
        return Ok(());
    }
    assert_eq!(seen?.0, "it's 7");
    for _ in 0..10 {
        let (after,): (String,) = sql(VARIABLE).one(db).await?;
        assert_eq!(after, "");
    }
    Ok(())
});

on_every_backend!(the_drivers_connection_is_handed_out, async |db| {
    let pinned = db.pin().await?;
    let one = match db.dialect() {
        Dialect::Sqlite => {
            pinned
                .raw(async |connection: &mut rusqlite::Connection| {
                    let one = connection.query_row("select 1", [], |row| row.get(0));
                    one.map_err(|error| Error::custom(error.to_string()))
                })
                .await?
        }
        Dialect::Postgres => {
            let error = pinned.raw(async |_: &mut u8| Ok(())).await.unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::Configuration),
                "{error:?}"
            );
            1
        }
        _ => {
            pinned
                .raw(async |connection: &mut sqlx::MySqlConnection| {
                    let one = sqlx::query_scalar("select 1").fetch_one(connection).await;
                    one.map_err(|error| Error::custom(error.to_string()))
                })
                .await?
        }
    };
    assert_eq!(one, 1_i64);
    drop(pinned);
    let (two,): (i64,) = sql("select 2").one(db).await?;
    assert_eq!(two, 2);
    Ok(())
});

on_every_backend!(
    a_transaction_that_was_begun_on_the_drivers_connection_is_known,
    async |db| {
        let failed = |error: &dyn std::fmt::Display| Error::custom(error.to_string());
        let pinned = db.pin().await?;
        match db.dialect() {
            Dialect::Postgres => return Ok(()),
            Dialect::Sqlite => {
                let begin = async |connection: &mut rusqlite::Connection| {
                    connection
                        .execute_batch("begin")
                        .map_err(|error| failed(&error))
                };
                pinned.raw(begin).await?;
            }
            _ => {
                let begin = async |connection: &mut sqlx::MySqlConnection| {
                    let begun = sqlx::raw_sql("start transaction").execute(connection);
                    begun.await.map(drop).map_err(|error| failed(&error))
                };
                pinned.raw(begin).await?;
            }
        }
        assert!(pinned.is_in_transaction().await);
        let error = pinned.begin().await.unwrap_err();
        let is_known = matches!(error.kind(), ErrorKind::Configuration);
        assert!(is_known, "{error:?}");
        Ok(())
    }
);

#[test]
fn a_connection_without_a_driver_is_used_again_after_it_was_asked_for_one() {
    run_fresh(Backend::Postgres, |fresh| {
        let builder = Database::builder(fresh.url.clone()).max_connections(1);
        let db = builder.build()?;
        runtime().block_on(async {
            let lifespan = db.connect().await?;
            let process = async || sql("select pg_backend_pid()").one::<(i32,)>(&db).await;
            let first = process().await?;
            let pinned = db.pin().await?;
            pinned.raw(async |_: &mut u8| Ok(())).await.unwrap_err();
            drop(pinned);
            assert_eq!(process().await?, first);
            lifespan.close().await
        })
    });
}
