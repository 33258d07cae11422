//! Health checks of databases that answer, that do not, and that are busy.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use estoult::{
    Database, ErrorKind, Registry,
    database::{DatabaseState, Role},
};

use crate::support::{Backend, Capture, Fresh, mask, on_every_fresh, runtime, within, wrap};

const SHORT: Duration = Duration::from_millis(200);

on_every_fresh!(
    a_connected_database_answers_on_a_connection_of_its_own,
    |fresh| {
        let db = fresh.database();
        runtime().block_on(async {
            let lifespan = db.connect().await?;
            let again = db.connect().await?;
            let health = db.health().await;
            assert!(health.is_healthy(), "{health}");
            assert_eq!(health.name, "default");
            assert_eq!(health.address, db.address());
            assert_eq!(health.state, DatabaseState::Connected(2));
            assert_eq!(health.role, Some(Role::Primary));
            assert!(
                health
                    .latency
                    .is_some_and(|latency| latency > Duration::ZERO)
            );
            assert_eq!(
                (health.pool.open, health.pool.in_use, health.pool.max),
                (1, 0, 10)
            );
            assert_eq!(db.status().open, 1, "no second connection was opened");
            again.close().await?;
            lifespan.close().await
        })
    }
);

on_every_fresh!(
    a_database_that_is_not_connected_is_asked_without_a_warning,
    |fresh| {
        let db = fresh.database();
        let capture = Capture::default();
        let current = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        tracing::subscriber::with_default(capture.clone(), || {
            current.block_on(async {
                let health = db.health().await;
                assert!(health.is_healthy(), "{health}");
                assert_eq!(health.state, DatabaseState::Idle);
                assert_eq!(health.role, Some(Role::Primary));
                assert_eq!((db.status().open, db.used_unconnected()), (0, 0));
            });
        });
        assert_eq!(capture.lines(), Vec::<String>::new());
        Ok(())
    }
);

on_every_fresh!(an_exhausted_pool_is_reported_as_one, |fresh| {
    let db = Database::builder(&fresh.url).max_connections(2).build()?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        let held = (db.pin().await?, db.pin().await?);
        let begun = Instant::now();
        let health = db.health_within(SHORT).await;
        assert!(begun.elapsed() < SHORT * 20);
        assert!(!health.is_healthy());
        assert_eq!((health.latency, health.role), (None, None));
        assert_eq!((health.pool.in_use, health.pool.waiting), (2, 0));
        let error = health.error.unwrap();
        assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
        let text = error.message().replace(db.address(), "ADDRESS");
        insta::assert_snapshot!(wrap(mask(&text)), @"
        get a connection: none was free within #ms: # of # are in use; release
        connections earlier, or raise max_connections
        ");
        drop(held);
        assert!(db.health().await.is_healthy());
        lifespan.close().await
    })
});

#[test]
fn a_registry_tells_of_each_database_in_a_line() {
    let fresh = Fresh::new(Backend::Sqlite);
    let folder = fresh.url.replace("/test.db", "");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("postgres://app:hidden@{}/shop", silent_address(&silent));
    let registry = Registry::builder(&*fresh.url)
        .extra("dead", "mysql://app:hidden@127.0.0.1:1/shop")
        .extra("silent", silent)
        .build()
        .unwrap();
    runtime().block_on(async {
        let lifespan = registry.default_database().connect().await.unwrap();
        let health = within("there is a report", registry.health_within(SHORT)).await;
        assert!(!health.is_healthy());
        let names: Vec<_> = health
            .databases()
            .iter()
            .map(|each| each.name.as_str())
            .collect();
        assert_eq!(names, ["default", "dead", "silent"]);
        let text = mask(&health.to_string().replace(&folder, "sqlite:/FOLDER"));
        assert!(!format!("{text} {health:?}").contains("hidden"), "{text}");
        insta::assert_snapshot!(wrap(text.replace("#.#µs", "#.#ms")), @"
        `default` (sqlite:/FOLDER/test.db): connected, primary, answers in #.#ms, # of #
        connections open, # in use
        `dead` (mysql://app@#.#.#.#:#/shop): not connected, # of # connections open, #
        in use; failed: connect to mysql://app@#.#.#.#:#/shop: Connection refused (os
        error #); is the server running and reachable?
        `silent` (postgres://app@#.#.#.#:#/shop): not connected, # of # connections
        open, # in use; failed: get a connection: none could be opened within #ms; see
        whether it hangs
        ");
        lifespan.close().await.unwrap();
    });
}

fn silent_address(listener: &TcpListener) -> String {
    listener.local_addr().unwrap().to_string()
}

#[test]
fn a_database_that_takes_no_writes_is_a_replica() {
    let fresh = Fresh::new(Backend::Sqlite);
    runtime().block_on(async {
        let db = fresh.database();
        db.connect().await.unwrap().close().await.unwrap();
        let reading = Database::builder(format!("{}?mode=ro", fresh.url))
            .build()
            .unwrap();
        assert_eq!(reading.health().await.role, Some(Role::Replica));
        assert_eq!(db.health().await.role, Some(Role::Primary));
    });
}
