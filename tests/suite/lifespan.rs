//! Lifespans: all databases or none, nested and overlapping, and what happens outside of them.

mod attempt;
mod close;
mod hooks;
mod mode;
mod schedule;
mod unconnected;

use std::{thread, time::Duration};

use estoult::{Database, ErrorKind, Registry, Schema};

use crate::support::{
    Backend, Capture, Fresh, mask, on_every_fresh, runtime,
    schemas::{Author, author, create_tables},
    servers::{mysql_url, postgres_url},
    within, wrap,
};

/// The same URL with another password.
fn with_password(url: &str, password: &str) -> String {
    let (start, rest) = url.split_once("://").unwrap();
    let (login, rest) = rest.split_once('@').unwrap();
    let (user, _) = login.split_once(':').unwrap();
    format!("{start}://{user}:{password}@{rest}")
}

/// A path in a folder that does not exist.
fn nowhere(fresh: &Fresh) -> String {
    let (folder, _) = fresh.url.rsplit_once('/').unwrap();
    format!("{folder}/missing/shop.db")
}

#[test]
fn every_failure_is_named() {
    let fresh = Fresh::new(Backend::Sqlite);
    let unreachable = "postgres://app:hidden@127.0.0.1:1/shop";
    let registry = Registry::builder(&*fresh.url)
        .extra("files", nowhere(&fresh))
        .extra("far", unreachable)
        .extra("postgres", with_password(postgres_url(), "hidden"))
        .extra("mysql", with_password(mysql_url(), "hidden"))
        .build()
        .unwrap();
    let error = runtime().block_on(registry.connect()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
    let text = format!("{error} {error:?}");
    assert!(!text.contains("hidden"), "{text}");
    let folder = fresh.url.replace("/test.db", "").replace("sqlite:", "");
    let text = error.to_string().replace(&folder, "/FOLDER");
    insta::assert_snapshot!(wrap(mask(&text.replace("; `", ";\n`"))), @r#"
    `far` (postgres://app@#.#.#.#:#/shop): connect to postgres://app@#.#.#.#:#/shop:
    Connection refused (os error #); is the server running and reachable?;
    `files` (sqlite:/FOLDER/missing/shop.db): open the SQLite file
    `/FOLDER/missing/shop.db`: the folder `/FOLDER/missing` does not exist; create
    it first;
    `mysql` (mysql://estoult@#.#.#.#:#/mysql): connect to
    mysql://estoult@#.#.#.#:#/mysql: Access denied for user 'estoult'@'#.#.#.#'
    (using password: YES); check user and password of the URL, and whom the server
    lets in;
    `postgres` (postgres://estoult@#.#.#.#:#/postgres): connect to
    postgres://estoult@#.#.#.#:#/postgres: password authentication failed for user
    "estoult"; check user and password of the URL, and whom the server lets in
    "#);
    for database in registry.databases() {
        assert!(!database.is_connected());
        assert_eq!(database.status().open, 0, "{database}");
    }
}

#[test]
fn an_unknown_database_says_so() {
    for (url, expected) in [
        (postgres_url(), "does not exist"),
        (mysql_url(), "Unknown database"),
    ] {
        let (server, _) = url.rsplit_once('/').unwrap();
        let db = Database::builder(format!("{server}/nothing_here"))
            .build()
            .unwrap();
        let error = runtime().block_on(db.connect()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
        let text = error.message();
        assert!(
            text.contains(expected) && text.contains("nothing_here"),
            "{text}"
        );
    }
}

#[test]
fn an_unknown_host_says_so() {
    for scheme in ["postgres", "mysql"] {
        let db = Database::builder(format!("{scheme}://app:hidden@db.invalid/shop"));
        let db = db.connect_timeout(Duration::from_secs(5)).build().unwrap();
        let error = runtime().block_on(db.connect()).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("db.invalid") && !text.contains("hidden"),
            "{text}"
        );
        let kinds = [ErrorKind::Connection, ErrorKind::Timeout];
        assert!(kinds.contains(error.kind()), "{error:?}");
    }
}

on_every_fresh!(a_failed_connect_leaves_the_outer_lifespan_alone, |fresh| {
    let db = fresh.database();
    let broken = Fresh::new(Backend::Sqlite);
    let registry = Registry::builder(db.clone())
        .extra("files", nowhere(&broken))
        .build()?;
    runtime().block_on(async {
        let outer = db.connect().await?;
        create_tables(&db).await?;
        for _ in 0..3 {
            registry.connect().await.unwrap_err();
            assert!(db.is_connected());
            author(&db, "Kurt").await?;
        }
        assert_eq!(db.used_unconnected(), 0);
        outer.close().await?;
        assert!(!db.is_connected());
        Ok(())
    })
});

on_every_fresh!(a_failed_connect_works_once_its_cause_is_gone, |fresh| {
    let broken = Fresh::new(Backend::Sqlite);
    let path = nowhere(&broken);
    let registry = Registry::builder(&*fresh.url)
        .extra("files", path.clone())
        .build()?;
    runtime().block_on(async {
        let error = registry.connect().await.unwrap_err();
        assert!(
            error.message().contains("does not exist; create it first"),
            "{error}"
        );
        let file = std::path::Path::new(path.trim_start_matches("sqlite:"));
        std::fs::create_dir(file.parent().unwrap()).unwrap();
        let lifespan = registry.connect().await?;
        assert!(registry.databases().all(Database::is_connected));
        lifespan.close().await?;
        assert!(!registry.databases().any(Database::is_connected));
        Ok(())
    })
});

on_every_fresh!(lifespans_nest_and_overlap, |fresh| {
    let db = fresh.database();
    runtime().block_on(async {
        let first = db.connect().await?;
        let second = db.connect().await?;
        create_tables(&db).await?;
        first.close().await?;
        assert!(db.is_connected());
        author(&db, "Kurt").await?;
        let third = db.connect().await?;
        drop(second);
        assert!(db.is_connected());
        author(&db, "Ada").await?;
        third.close().await?;
        assert!(!db.is_connected());
        assert_eq!((db.status().open, db.used_unconnected()), (0, 0));
        Ok(())
    })
});

on_every_fresh!(threads_leave_in_any_order, |fresh| {
    let db = Database::builder(&fresh.url).max_connections(8).build()?;
    let registry = Registry::builder(db.clone()).build()?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        create_tables(&db).await?;
        lifespan.close().await
    })?;
    let threads: Vec<_> = (0..6)
        .map(|number| {
            let (registry, db) = (registry.clone(), db.clone());
            thread::spawn(move || {
                for _ in 0..(1 + number % 3) {
                    registry.with_async_env(|| estoult::run_sync(author(&db, "Kurt")))?;
                }
                Ok::<_, estoult::Error>(())
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap()?;
    }
    assert!(!db.is_connected());
    assert_eq!((db.status().open, db.used_unconnected()), (0, 0));
    Ok(())
});

on_every_fresh!(first_lifespans_at_once_share_one_attempt, |fresh| {
    let db = fresh.database();
    runtime().block_on(async {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let db = db.clone();
                tokio::spawn(async move { db.connect().await })
            })
            .collect();
        let mut lifespans = Vec::new();
        for task in tasks {
            lifespans.push(within("all are connected", task).await.unwrap()?);
        }
        assert_eq!(db.status().open, 1);
        for lifespan in lifespans {
            assert!(db.is_connected());
            lifespan.close().await?;
        }
        assert_eq!(db.status().open, 0);
        Ok(())
    })
});

on_every_fresh!(
    a_dropped_lifespan_closes_what_is_idle_and_later_the_rest,
    |fresh| {
        let db = fresh.database();
        runtime().block_on(async {
            let lifespan = db.connect().await?;
            let pinned = db.pin().await?;
            drop(db.pin().await?);
            assert_eq!(db.status().open, 2);
            drop(lifespan);
            assert_eq!((db.status().open, db.status().in_use), (1, 1));
            drop(pinned);
            assert_eq!(db.status().open, 0);
            Ok(())
        })
    }
);

on_every_fresh!(closing_waits_for_what_is_in_use, |fresh| {
    let db = fresh.database();
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        create_tables(&db).await?;
        let tx = db.begin().await?;
        let closing = tokio::spawn(lifespan.close());
        let row = estoult::new!(Author {
            name: "Kurt".to_owned(),
            email: None
        });
        row.insert(&tx).await?;
        tx.commit().await?;
        within("it is closed", closing).await.unwrap()?;
        assert_eq!(db.status().open, 0);
        Ok(())
    })
});

on_every_fresh!(closing_names_the_holders_it_does_not_wait_for, |fresh| {
    let (db, pool) = Database::builder(&fresh.url).build_pooled()?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        let tx = db.begin().await?;
        let error = pool.close_all(Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
        let text = error.message().replace(pool.address(), "ADDRESS");
        insta::assert_snapshot!(wrap(mask(&text)), @"
        close ADDRESS: connections were still in use after #ms, held by
        tests/suite/lifespan.rs:# for #.# s, in a transaction; they are closed on
        release
        ");
        tx.rollback().await?;
        lifespan.close().await
    })
});

on_every_fresh!(a_database_that_is_not_connected_works_and_warns, |fresh| {
    let db = fresh.database();
    let capture = Capture::default();
    let current = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    tracing::subscriber::with_default(capture.clone(), || {
        current.block_on(async {
            create_tables(&db).await?;
            let before = db.used_unconnected();
            let kurt = author(&db, "Kurt").await?;
            assert_eq!(db.used_unconnected(), before + 1);
            assert_eq!(Author::get(&db, kurt.id).await?, Some(kurt));
            let line = line!() - 1;
            assert_eq!(db.used_unconnected(), before + 2);
            let lines = capture.lines();
            let last = lines.last().unwrap();
            assert!(last.contains(&format!("at={}:{line}", file!())), "{last}");
            let last = last.replace(&format!("{db}"), "DATABASE");
            insta::assert_snapshot!(wrap(mask(&last)), @"
            a database is used that is not connected: each use opens a connection of its
            own; call `connect()` and keep the lifespan; each place is reported once;
            database=DATABASE; at=tests/suite/lifespan.rs:#; times=#
            ");
            db.transaction(async |tx| Author::query().count(tx).await)
                .await?;
            assert_eq!(db.used_unconnected(), before + 3);
            assert_eq!(db.status().open, 0);
            let lifespan = db.connect().await?;
            Author::query().count(&db).await?;
            lifespan.close().await?;
            assert_eq!(capture.lines().len(), lines.len() + 1);
            Ok(())
        })
    })
});
