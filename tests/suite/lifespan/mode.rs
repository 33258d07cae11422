//! How databases are connected: at once or lazily, with how many connections, in which time, and how often it is tried.

use std::time::{Duration, Instant};

use estoult::{
    Database, DatabaseBuilder, ErrorKind, Registry, Result, batch, database::DatabaseState,
};

use super::attempt::{behind, on_every_proxy};
use crate::support::{
    Backend, Fresh, Proxy, Treatment, eventually, mask, on_every_fresh, runtime, within, wrap,
};

on_every_fresh!(a_lazy_database_opens_nothing_before_it_is_used, |fresh| {
    let db = Database::builder(&fresh.url).lazy().build()?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        assert_eq!(
            (db.state(), db.status().open),
            (DatabaseState::Connected(1), 0)
        );
        batch(&db, "select 1").await?;
        assert_eq!((db.status().open, db.used_unconnected()), (1, 0));
        lifespan.close().await?;
        assert_eq!(db.status().open, 0);
        Ok(())
    })
});

#[test]
fn a_lazy_database_that_can_not_be_reached_fails_when_it_is_used() {
    let url = "postgres://app:hidden@127.0.0.1:1/shop";
    let db = Database::builder(url).lazy().build().unwrap();
    runtime().block_on(async {
        let lifespan = db.connect().await.unwrap();
        let error = db.pin().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
        assert!(error.message().contains("Connection refused"), "{error}");
        lifespan.close().await.unwrap();
    });
}

on_every_fresh!(so_many_connections_are_opened_as_was_said, |fresh| {
    let db = Database::builder(&fresh.url).min_connections(3).build()?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        assert_eq!((db.status().open, db.status().in_use), (3, 0));
        let again = db.connect().await?;
        assert_eq!(db.status().open, 3);
        again.close().await?;
        assert_eq!(db.status().open, 3);
        lifespan.close().await?;
        assert_eq!(db.status().open, 0);
        Ok(())
    })
});

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let build = |builder: DatabaseBuilder| builder.build().unwrap_err();
    let memory = || Database::builder("sqlite::memory:");
    let error = build(memory().min_connections(5).max_connections(4));
    assert!(matches!(error.kind(), ErrorKind::Configuration));
    insta::assert_snapshot!(wrap(error), @r"
    build a database: min_connections is 5, but max_connections is 4; lower the one
    or raise the other
    ");
    let error = build(memory().connect_within(Duration::ZERO));
    assert!(matches!(error.kind(), ErrorKind::Configuration));
    insta::assert_snapshot!(wrap(error), @r"
    build a database: connect_within is 0, so no connection could be opened; allow
    some time
    ");
}

/// The message without the server's name and numbers.
fn told(error: &estoult::Error) -> String {
    let mut text = mask(error.message());
    for name in ["postgres", "mysql"] {
        text = text.replace(name, "SERVER");
    }
    wrap(text)
}

on_every_proxy!(
    a_server_that_never_answers,
    Treatment::Silent,
    |proxy, builder| {
        let limit = Duration::from_millis(300);
        let one = builder.clone().connect_timeout(limit).build()?;
        let whole = builder.clone().connect_within(limit).build()?;
        runtime().block_on(async {
            let begun = Instant::now();
            let error = one.connect().await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
            insta::assert_snapshot!(told(&error), @"
            `default` (SERVER://estoult@#.#.#.#:#/estoult_#_#): connect to
            SERVER://estoult@#.#.#.#:#/estoult_#_#: no answer within #ms; the server may
            hang, or packets are dropped on the way
            ");
            let error = whole.connect().await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
            insta::assert_snapshot!(told(&error), @r"
            `default` (SERVER://estoult@#.#.#.#:#/estoult_#_#): connect to
            SERVER://estoult@#.#.#.#:#/estoult_#_#: not done within #ms (`connect_within`):
            no answer; the server may hang, or packets are dropped on the way
            ");
            assert_eq!(proxy.connections(), 2);
            assert!(begun.elapsed() < limit * 20, "{:?}", begun.elapsed());
            for db in [one, whole] {
                assert_eq!((db.state(), db.status().open), (DatabaseState::Idle, 0));
            }
            Ok(())
        })
    }
);

on_every_proxy!(
    a_server_that_answers_late,
    Treatment::Silent,
    |proxy, builder| {
        let db = builder.build()?;
        runtime().block_on(async {
            let connecting = tokio::spawn({
                let db = db.clone();
                async move { db.connect().await }
            });
            eventually("it came", async || proxy.connections() == 1).await;
            assert_eq!(db.state(), DatabaseState::Connecting);
            let health = db.health_within(Duration::from_millis(50)).await;
            assert_eq!(health.state, DatabaseState::Connecting);
            assert!(!health.is_healthy());
            proxy.set(Treatment::Forward);
            let lifespan = within("it is connected", connecting).await.unwrap()?;
            assert!(db.health().await.is_healthy());
            lifespan.close().await
        })
    }
);

on_every_proxy!(
    the_time_for_all_tries_is_limited,
    Treatment::SilentAfter(1),
    |proxy, builder| {
        let limit = Duration::from_millis(800);
        let db = builder.connect_within(limit).connect_retries(9).build()?;
        runtime().block_on(async {
            let error = within("it fails", db.connect()).await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
            let text = error.message();
            let expected = "not done within 800ms (`connect_within`): try 2 was under way; the one before failed";
            assert!(text.contains(expected), "{text}");
            assert_eq!(proxy.connections(), 2);
            assert_eq!((db.state(), db.status().open), (DatabaseState::Idle, 0));
            Ok(())
        })
    }
);

on_every_proxy!(
    a_server_that_hangs_up_is_tried_again,
    Treatment::HangUpFirst(2),
    |proxy, builder| {
        let db = builder.connect_retries(2).build()?;
        runtime().block_on(async {
            let lifespan = within("it is connected", db.connect()).await?;
            assert_eq!(proxy.connections(), 3);
            lifespan.close().await
        })
    }
);

on_every_proxy!(
    an_error_says_how_often_it_was_tried,
    Treatment::HangUp,
    |proxy, builder| {
        let db = builder.connect_retries(2).build()?;
        runtime().block_on(async {
            let error = within("it fails", db.connect()).await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
            assert!(
                error.message().contains(": tried 3 times: connect to "),
                "{error}"
            );
            assert_eq!(proxy.connections(), 3);
            let begun = Instant::now();
            let hasty = Database::builder(proxy.url())
                .connect_retries(1000)
                .connect_within(Duration::from_millis(300))
                .build()?;
            let error = within("it fails", hasty.connect()).await.unwrap_err();
            // The time may end in a try or between two.
            let says_how_often = ["tried ", "try "].map(|word| error.message().contains(word));
            assert!(says_how_often.contains(&true), "{error}");
            assert!(begun.elapsed() < Duration::from_secs(10));
            Ok(())
        })
    }
);

#[test]
fn what_is_refused_for_good_is_not_tried_again() {
    for backend in [Backend::Postgres, Backend::MySql] {
        let (_fresh, proxy, _) = behind(backend, Treatment::Forward);
        let wrong = super::with_password(&proxy.url(), "hidden");
        let url = proxy.url();
        let (server, _) = url.rsplit_once('/').unwrap();
        let urls = [(wrong, 1), (format!("{server}/nothing_here"), 2)];
        for (url, connections) in urls {
            let db = Database::builder(url).connect_retries(5).build().unwrap();
            let error = runtime()
                .block_on(within("it fails", db.connect()))
                .unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
            assert!(!error.message().contains("tried"), "{error}");
            assert_eq!(proxy.connections(), connections, "{error}");
        }
    }
    let fresh = Fresh::new(Backend::Sqlite);
    let db = Database::builder(super::nowhere(&fresh))
        .connect_retries(1000)
        .build()
        .unwrap();
    let error = runtime()
        .block_on(within("it fails", db.connect()))
        .unwrap_err();
    assert!(
        error.message().contains("does not exist; create it first"),
        "{error}"
    );
    assert!(!error.message().contains("tried"), "{error}");
}

#[test]
fn a_thousand_databases_are_connected_lazily() {
    let mut builder = Registry::builder("sqlite::memory:");
    for number in 0..999 {
        let lazy = Database::builder("postgres://app@127.0.0.1:1/shop").lazy();
        builder = builder.extra(format!("shard_{number}"), lazy);
    }
    let registry = builder.build().unwrap();
    assert_eq!(registry.names().count(), 1000);
    runtime().block_on(async {
        let lifespan = registry.connect().await.unwrap();
        assert!(registry.databases().all(Database::is_connected));
        let open: usize = registry.databases().map(|db| db.status().open).sum();
        assert_eq!(open, 1);
        let closed = lifespan.close_within(Duration::from_secs(5)).await;
        assert_eq!(closed.databases().len(), 1000);
        assert!(closed.is_complete());
        assert!(!registry.databases().any(Database::is_connected));
    });
}
