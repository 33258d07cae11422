//! Pooled databases of apocryphan: bounded, replaced when they grow old, closed by hand.

mod sharing;

use std::time::Duration;

use apocryphan::pool::{
    PooledDatabase, PooledMySqlDatabase, PooledPostgreSqlDatabase, PooledSqliteDatabase,
};
use estoult::{ErrorKind, Registry, Result, sql};

use crate::support::{Backend, Fresh, eventually, on_every_fresh, runtime};

/// The settings that differ between the tests.
struct Settings {
    max_connections: usize,
    stale_timeout: Duration,
    timeout: Duration,
}

const USUAL: Settings = Settings {
    max_connections: 2,
    stale_timeout: Duration::from_secs(600),
    timeout: Duration::from_secs(20),
};

/// The same database through its builder; user, password, host and port come from the fresh one's URL.
fn pooled(fresh: &Fresh, settings: &Settings) -> Result<PooledDatabase> {
    macro_rules! build {
        ($builder:expr) => {
            $builder
                .max_connections(settings.max_connections)
                .stale_timeout(settings.stale_timeout)
                .timeout(settings.timeout)
                .build()
        };
    }
    if let Some(file) = fresh.url.strip_prefix("sqlite:") {
        return build!(PooledSqliteDatabase::builder(file));
    }
    let (_, rest) = fresh.url.split_once("://").expect("a scheme");
    let (login, rest) = rest.split_once('@').expect("a login");
    let (user, password) = login.split_once(':').expect("a password");
    let (server, database) = rest.split_once('/').expect("a database");
    let (host, port) = server.split_once(':').expect("a port");
    let builder = match fresh.backend() {
        Backend::Postgres => PooledPostgreSqlDatabase::builder(),
        Backend::MySql | Backend::Sqlite => PooledMySqlDatabase::builder(),
    };
    let builder = builder
        .user(user)
        .password(password)
        .host(host)
        .database(database);
    build!(builder.port(port.parse().expect("a number")))
}

async fn one(pooled: &PooledDatabase) -> Result<i64> {
    sql("select 1")
        .one::<(i64,)>(pooled)
        .await
        .map(|(one,)| one)
}

on_every_fresh!(a_pooled_database_is_used_like_any_other, |fresh| {
    let pooled = pooled(fresh, &USUAL)?;
    let registry = Registry::builder(pooled.clone())
        .extra("same", pooled.clone())
        .build()?;
    runtime().block_on(async {
        let lifespan = registry.connect().await?;
        assert_eq!(one(&pooled).await?, 1);
        let same = registry.using("same")?;
        let (two,): (i64,) = sql("select 2").one(&same).await?;
        assert_eq!((two, pooled.pool().status().open), (2, 1));
        lifespan.close().await
    })
});

on_every_fresh!(a_pool_never_holds_more_than_its_bound, |fresh| {
    let settings = Settings {
        timeout: Duration::from_millis(700),
        ..USUAL
    };
    let pooled = pooled(fresh, &settings)?;
    runtime().block_on(async {
        let lifespan = pooled.connect().await?;
        let (first, second) = (pooled.pin().await?, pooled.pin().await?);
        let error = one(&pooled).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
        assert!(error.message().contains("tests/suite/pool.rs"), "{error}");
        drop(first);
        assert_eq!(one(&pooled).await?, 1);
        drop(second);
        lifespan.close().await
    })
});

on_every_fresh!(a_connection_of_the_stale_age_is_replaced, |fresh| {
    let settings = Settings {
        stale_timeout: Duration::from_millis(1),
        ..USUAL
    };
    let pooled = pooled(fresh, &settings)?;
    runtime().block_on(async {
        let lifespan = pooled.connect().await?;
        sql("create temporary table marks (id integer)")
            .execute(&pooled)
            .await?;
        // A temporary table goes with its connection.
        eventually("the connection is replaced", async || {
            sql("select id from marks")
                .all::<(i64,)>(&pooled)
                .await
                .is_err()
        })
        .await;
        lifespan.close().await
    })
});

on_every_fresh!(idle_connections_are_closed_by_hand, |fresh| {
    let pooled = pooled(fresh, &USUAL)?;
    runtime().block_on(async {
        let lifespan = pooled.connect().await?;
        let held = pooled.pin().await?;
        assert_eq!(one(&pooled).await?, 1);
        assert_eq!(pooled.pool().close_stale(Duration::from_secs(600)), 0);
        assert_eq!(pooled.pool().close_stale(Duration::ZERO), 1);
        assert_eq!(pooled.pool().status().open, 1);
        drop(held);
        assert_eq!(one(&pooled).await?, 1);
        pooled.pool().close_all(Duration::from_secs(5)).await?;
        assert_eq!(pooled.pool().status().open, 0);
        assert_eq!(one(&pooled).await?, 1);
        lifespan.close().await
    })
});

on_every_fresh!(closing_all_tells_who_still_holds_a_connection, |fresh| {
    let pooled = pooled(fresh, &USUAL)?;
    runtime().block_on(async {
        let lifespan = pooled.connect().await?;
        let held = pooled.pin().await?;
        let closing = pooled.pool().close_all(Duration::from_millis(10));
        let error = closing.await.unwrap_err();
        assert!(error.message().contains("tests/suite/pool.rs"), "{error}");
        drop(held);
        eventually("the held connection is closed", async || {
            pooled.pool().status().open == 0
        })
        .await;
        lifespan.close().await
    })
});

#[test]
fn a_password_needs_no_escape_and_is_not_shown() {
    let builder = PooledPostgreSqlDatabase::builder()
        .user("a:b")
        .password("p@ss/w:rd?#%")
        .host("127.0.0.1")
        .port(1)
        .database("shop");
    let pooled = builder.build().expect("a database");
    assert!(!format!("{builder:?} {pooled:?}").contains("p@ss"));
    assert_eq!(pooled.address(), "postgres://a:b@127.0.0.1:1/shop");
}
