//! The end of lifespans: the report of closing, and lifespans that are dropped in all sorts of places.

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::Duration,
};

use estoult::{Database, Lifespan, Registry, Result, batch, database::DatabaseState};
use tokio::runtime::{Builder, Runtime};
use tracing::Level;

use super::attempt::poll_once;
use crate::support::{
    Backend, Capture, Fresh, eventually, mask, on_every_fresh, runtime, within, wrap,
};

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

on_every_fresh!(closing_reports_what_became_of_each_database, |fresh| {
    let busy = fresh.database();
    let registry = Registry::builder(&*fresh.url)
        .extra("busy", busy.clone())
        .extra("shared", &*fresh.url)
        .build()?;
    runtime().block_on(async {
        let lifespan = registry.connect().await?;
        let other = registry.using("shared")?.connect().await?;
        drop((busy.pin().await?, busy.pin().await?));
        let pinned = busy.pin().await?;
        let closed = lifespan.close_within(Duration::from_millis(60)).await;
        assert!(!closed.is_complete());
        let counts: Vec<_> = closed
            .databases()
            .iter()
            .map(|each| {
                (
                    each.name.as_str(),
                    each.connections_closed,
                    each.other_lifespans,
                )
            })
            .collect();
        assert_eq!(
            counts,
            [("default", 1, 0), ("busy", 1, 0), ("shared", 0, 1)]
        );
        assert!(closed.databases()[1].waited >= Duration::from_millis(60));
        let text = mask(&closed.to_string().replace(busy.address(), "ADDRESS"));
        insta::assert_snapshot!(wrap(text.replace("µs", "ms").replace("#.#s", "#.#ms")), @"
        `default` (ADDRESS): disconnected, # connection closed in #.#ms
        `busy` (ADDRESS): disconnected, # connection closed in #.#ms; still in use, held
        by tests/suite/lifespan/close.rs:# for #.# s, and closed on release
        `shared` (ADDRESS): stays connected through another lifespan
        ");
        assert_eq!((busy.status().open, busy.status().in_use), (1, 1));
        drop(pinned);
        assert_eq!(busy.status().open, 0);
        assert!(other.close_within(Duration::ZERO).await.is_complete());
        assert_eq!(registry.using("shared")?.status().open, 0);
        Ok(())
    })
});

on_every_fresh!(what_comes_back_while_it_is_waited_for_is_counted, |fresh| {
    let db = fresh.database();
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        let (first, second) = (db.pin().await?, db.pin().await?);
        drop(db.pin().await?);
        let closing = tokio::spawn(lifespan.close_within(Duration::from_secs(20)));
        eventually("the idle one is closed", async || db.status().open == 2).await;
        drop(first);
        second.discard();
        let closed = within("it is closed", closing).await.unwrap();
        assert!(closed.is_complete(), "{closed}");
        assert_eq!(closed.databases()[0].connections_closed, 3);
        assert_eq!((db.state(), db.status().open), (DatabaseState::Idle, 0));
        Ok(())
    })
});

on_every_fresh!(a_clone_keeps_it_connected, |fresh| {
    let db = fresh.database();
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        let clone = lifespan.clone();
        assert_eq!(db.state(), DatabaseState::Connected(2));
        lifespan.close().await?;
        batch(&db, "select 1").await?;
        drop(clone);
        assert_eq!((db.state(), db.status().open), (DatabaseState::Idle, 0));
        assert_eq!(db.used_unconnected(), 0);
        Ok(())
    })
});

on_every_fresh!(closing_that_is_given_up_closes_all_the_same, |fresh| {
    let db = fresh.database();
    runtime().block_on(async {
        for polls in 0..4 {
            let lifespan = db.connect().await?;
            let pinned = db.pin().await?;
            drop(db.pin().await?);
            let mut closing = Box::pin(lifespan.close());
            for _ in 0..polls {
                poll_once(&mut closing).await;
            }
            drop(closing);
            eventually("what is idle is closed", async || db.status().open == 1).await;
            assert!(!db.is_connected());
            drop(pinned);
            eventually("the rest is closed", async || {
                (db.state(), db.status().open) == (DatabaseState::Idle, 0)
            })
            .await;
        }
        Ok(())
    })
});

/// Drops lifespans in some way, and gives what was told of it, with the state afterwards.
fn told(
    fresh: &Fresh,
    level: Level,
    drops: impl FnOnce(&Database) -> Result<()>,
) -> Result<String> {
    let db = fresh.database();
    let capture = Capture::of(level);
    tracing::subscriber::with_default(capture.clone(), || drops(&db))?;
    current_thread().block_on(eventually("all is closed", async || {
        (db.state(), db.status().open) == (DatabaseState::Idle, 0)
    }));
    // It can be connected again.
    current_thread().block_on(async { db.connect().await?.close().await })?;
    let lines = capture
        .lines()
        .join("\n")
        .replace(&db.to_string(), "DATABASE");
    Ok(wrap(mask(&lines)))
}

on_every_fresh!(a_dropped_lifespan_says_that_it_closes, |fresh| {
    let text = told(fresh, Level::DEBUG, |db| {
        current_thread().block_on(async {
            drop(db.connect().await?);
            Ok(())
        })
    })?;
    insta::assert_snapshot!(text, @r"
the last lifespan of a database was dropped: its connections are closed in the
background; database=DATABASE; connections=#
");
    Ok(())
});

on_every_fresh!(
    a_lifespan_dropped_while_connections_are_in_use_warns,
    |fresh| {
        let text = told(fresh, Level::WARN, |db| {
            current_thread().block_on(async {
                let lifespan = db.connect().await?;
                let tx = db.begin().await?;
                drop(lifespan);
                assert_eq!(db.state(), DatabaseState::Closing);
                tx.rollback().await?;
                eventually("it is closed", async || db.state() == DatabaseState::Idle).await;
                Ok(())
            })
        })?;
        insta::assert_snapshot!(text, @"
        the last lifespan of a database was dropped while its connections are in use:
        they are closed on release; call `close().await` to wait for them;
        database=DATABASE; in_use=#; held_by=tests/suite/lifespan/close.rs:# for #.# s,
        in a transaction
        ");
        Ok(())
    }
);

on_every_fresh!(a_lifespan_is_dropped_outside_of_any_runtime, |fresh| {
    let text = told(fresh, Level::WARN, |db| {
        let runtime = current_thread();
        let lifespan = runtime.block_on(db.connect())?;
        let pinned = runtime.block_on(db.pin())?;
        drop(lifespan);
        assert_eq!((db.state(), db.status().open), (DatabaseState::Idle, 1));
        drop(pinned);
        assert_eq!(db.status().open, 0);
        Ok(())
    })?;
    insta::assert_snapshot!(text, @"
    the last lifespan of a database was dropped while its connections are in use:
    they are closed on release; call `close().await` to wait for them;
    database=DATABASE; in_use=#; held_by=tests/suite/lifespan/close.rs:# for #.# s
    ");
    Ok(())
});

on_every_fresh!(clones_are_dropped_one_after_the_other, |fresh| {
    let text = told(fresh, Level::DEBUG, |db| {
        let runtime = current_thread();
        let lifespan = runtime.block_on(db.connect())?;
        let clone = lifespan.clone();
        drop(lifespan);
        assert_eq!(db.state(), DatabaseState::Connected(1));
        drop(clone);
        assert_eq!(db.state(), DatabaseState::Idle);
        Ok(())
    })?;
    assert_eq!(text.matches("was dropped").count(), 1, "{text}");
    Ok(())
});

struct Service {
    _lifespan: Lifespan,
}

thread_local! {
    static SERVICE: RefCell<Option<Service>> = const { RefCell::new(None) };
}

on_every_fresh!(
    a_lifespan_is_dropped_by_the_destructor_of_a_thread,
    |fresh| {
        told(fresh, Level::WARN, |db| {
            let thread = thread::spawn({
                let db = db.clone();
                move || {
                    let lifespan = current_thread().block_on(db.connect())?;
                    SERVICE.set(Some(Service {
                        _lifespan: lifespan,
                    }));
                    assert_eq!(db.state(), DatabaseState::Connected(1));
                    Ok::<_, estoult::Error>(())
                }
            });
            thread.join().unwrap()?;
            assert_eq!(db.state(), DatabaseState::Idle);
            Ok(())
        })?;
        Ok(())
    }
);

on_every_fresh!(a_lifespan_is_dropped_by_a_panic, |fresh| {
    for is_inside in [true, false] {
        told(fresh, Level::WARN, |db| {
            let runtime = runtime();
            let lifespan = runtime.block_on(db.connect())?;
            let fails = AssertUnwindSafe(|| {
                let _lifespan = lifespan;
                assert!(!is_inside, "inside");
                Ok::<_, estoult::Error>(())
            });
            let panicked = if is_inside {
                catch_unwind(AssertUnwindSafe(|| runtime.block_on(async { fails() })))
            } else {
                let fails = AssertUnwindSafe(|| {
                    let _ended = fails.0;
                    panic!("outside")
                });
                catch_unwind(fails)
            };
            panicked.map(|_| ()).unwrap_err();
            assert_eq!(db.state(), DatabaseState::Idle);
            Ok(())
        })?;
    }
    Ok(())
});

#[test]
fn a_database_that_is_closed_in_the_background_is_used_again_at_once() {
    let fresh = Fresh::new(Backend::Sqlite);
    let db = fresh.database();
    current_thread().block_on(async {
        for _ in 0..50 {
            let lifespan = db.connect().await.unwrap();
            let pinned = db.pin().await.unwrap();
            drop(lifespan);
            let again = db.connect().await.unwrap();
            assert_eq!(db.state(), DatabaseState::Connected(1));
            drop(pinned);
            batch(&db, "select 1").await.unwrap();
            assert_eq!((db.status().open, db.used_unconnected()), (1, 0));
            again.close().await.unwrap();
            assert_eq!(db.status().open, 0);
        }
    });
}
