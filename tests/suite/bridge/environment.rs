//! Environments that overlap, fail, end in any order, and what a thread keeps between them.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::sync_channel,
    thread,
    time::{Duration, Instant},
};

use estoult::{
    Database, Dialect, ErrorKind, Registry, Result, Schema, SyncEnvironment, run_sync, sql,
};
use tokio::runtime::{Handle, Id};

use super::{
    insert_and_count, registry,
    thread_kind::{PLACES, Work, current_thread},
};
use crate::support::{
    Backend, Fresh, Listing, eventually, on_every_fresh, runtime,
    schemas::{Author, author},
};

/// The runtime that waits for a future here.
pub(super) fn runtime_here() -> Result<Id> {
    run_sync(async { Ok(Handle::current().id()) })
}

/// The number of the server's session that answers; of no meaning on SQLite.
pub(super) fn session(registry: &Registry) -> Result<i64> {
    let text = match registry.default_database().dialect() {
        Dialect::Sqlite => return Ok(0),
        Dialect::Postgres => "select pg_backend_pid()::bigint",
        _ => "select cast(connection_id() as signed)",
    };
    let (number,) = run_sync(sql(text).one::<(i64,)>(registry))?;
    Ok(number)
}

/// Runs a check on a runtime and a thread of its own until it holds.
fn assert_eventually(what: &str, check: impl AsyncFn() -> bool + Sync) {
    thread::scope(|scope| {
        let wait = || runtime().block_on(eventually(what, async || check().await));
        scope.spawn(wait).join().unwrap();
    });
}

on_every_fresh!(guards_end_in_any_order, |fresh| {
    let registry = registry(fresh)?;
    let db = registry.default_database();
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [0, 2, 1]] {
        let mut guards: Vec<Option<SyncEnvironment>> = Vec::new();
        for _ in 0..3 {
            guards.push(Some(registry.enter_sync()?));
        }
        for (ended, index) in order.into_iter().enumerate() {
            insert_and_count(&registry)?;
            let guard = guards[index].take().unwrap();
            if ended == 1 {
                guard.close()?;
            } else {
                drop(guard);
            }
            assert_eq!(db.is_connected(), ended < 2);
        }
        run_sync(async { Ok(()) }).unwrap_err();
        assert_eq!(db.status().open, 0);
    }
    Ok(())
});

on_every_fresh!(guards_and_closures_mix, |fresh| {
    let registry = registry(fresh)?;
    let outer = registry.enter_sync()?;
    let inner = registry.with_async_env(|| {
        drop(outer);
        insert_and_count(&registry)?;
        registry.enter_sync()
    })?;
    assert!(registry.default_database().is_connected());
    insert_and_count(&registry)?;
    inner.close()?;
    assert!(!registry.default_database().is_connected());
    run_sync(async { Ok(()) }).map(drop).unwrap_err();
    Ok(())
});

on_every_fresh!(a_guard_that_fails_leaves_the_outer_one_alone, |fresh| {
    let registry = registry(fresh)?;
    let broken = Registry::builder("sqlite:/nowhere/at/all/shop.db")
        .extra("same", registry.default_database().clone())
        .build()?;
    let outer = registry.enter_sync()?;
    for _ in 0..3 {
        let error = broken.enter_sync().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
        assert!(registry.default_database().is_connected());
        insert_and_count(&registry)?;
    }
    outer.close()?;
    assert!(!registry.default_database().is_connected());
    broken.enter_sync().unwrap_err();
    run_sync(async { Ok(()) }).unwrap_err();
    Ok(())
});

on_every_fresh!(
    overlapping_environments_of_threads_end_in_any_order,
    |fresh| {
        let registry = registry(fresh)?;
        for is_first_to_leave in [true, false] {
            let (entered, has_entered) = sync_channel(0);
            let (leave, may_leave) = sync_channel::<()>(0);
            let guard = registry.enter_sync()?;
            let of_thread = registry.clone();
            let other = thread::spawn(move || {
                of_thread.with_async_env(|| {
                    entered.send(()).unwrap();
                    may_leave.recv().unwrap();
                    insert_and_count(&of_thread)
                })
            });
            has_entered.recv().unwrap();
            if is_first_to_leave {
                guard.close()?;
                assert!(registry.default_database().is_connected());
                leave.send(()).unwrap();
                other.join().unwrap()?;
            } else {
                leave.send(()).unwrap();
                other.join().unwrap()?;
                insert_and_count(&registry)?;
                guard.close()?;
            }
            assert!(!registry.default_database().is_connected());
            assert_eq!(registry.default_database().status().open, 0);
        }
        Ok(())
    }
);

/// Uses the database when it is dropped.
struct WritesOnDrop<'r>(&'r Registry, &'static str);

impl Drop for WritesOnDrop<'_> {
    fn drop(&mut self) {
        run_sync(author(self.0.default_database(), self.1)).unwrap();
    }
}

on_every_fresh!(destructors_wait_too_also_while_a_thread_panics, |fresh| {
    let registry = registry(fresh)?;
    let of_work: Work = |registry| {
        drop(WritesOnDrop(registry, "at the end"));
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _writer = WritesOnDrop(registry, "while panicking");
            panic!("on purpose");
        }));
        panicked.unwrap_err();
        Ok(())
    };
    for place in PLACES {
        place.run(&registry, of_work)?;
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            place.run(&registry, |registry| {
                let _guard = registry.enter_sync()?;
                let _writer = WritesOnDrop(registry, "on the way out");
                panic!("on purpose");
            })
        }));
        panicked.map(drop).unwrap_err();
    }
    let places = u64::try_from(PLACES.len()).unwrap();
    let count = registry.with_async_env(|| run_sync(Author::query().count(&registry)))?;
    assert_eq!(count, 3 * places);
    Ok(())
});

on_every_fresh!(a_guard_may_be_dropped_inside_of_async_code, |fresh| {
    let registry = registry(fresh)?;
    let mut environment = Some(registry.enter_sync()?);
    insert_and_count(&registry)?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&current_thread(), async {
        drop(environment.take());
    });
    assert!(!registry.default_database().is_connected());
    assert_eq!(registry.default_database().status().open, 0);
    run_sync(async { Ok(()) }).unwrap_err();
    registry
        .with_async_env(|| insert_and_count(&registry))
        .map(drop)
});

#[test]
fn closing_tells_who_still_uses_a_connection_and_dropping_does_not_wait_long() {
    let fresh = Fresh::new(Backend::Sqlite);
    let registry = registry(&fresh).unwrap();
    let db = registry.default_database();
    let environment = registry.enter_sync().unwrap();
    let held = run_sync(db.pin()).unwrap();
    let error = environment.close().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
    assert!(error.message().contains("environment.rs"), "{error}");
    drop(held);
    assert_eq!(db.status().open, 0);

    let environment = registry.enter_sync().unwrap();
    let held = run_sync(db.pin()).unwrap();
    let begun = Instant::now();
    drop(environment);
    assert!(begun.elapsed() < Duration::from_secs(8));
    assert!(!db.is_connected());
    drop(held);
    assert_eq!(db.status().open, 0);
}

on_every_fresh!(
    a_thread_keeps_its_runtime_while_the_databases_stay_connected,
    |fresh| {
        let registry = registry(fresh)?;
        let lifespan = runtime().block_on(registry.connect())?;
        let again = || registry.with_async_env(|| Ok((runtime_here()?, session(&registry)?)));
        let first = again()?;
        assert_eq!(again()?, first);
        assert_eq!(again()?, first);
        runtime().block_on(lifespan.close())?;
        Ok(())
    }
);

on_every_fresh!(
    requests_of_a_thread_pool_open_no_more_connections_than_they_use_at_once,
    |fresh| {
        let registry = registry(fresh)?;
        let outer = registry.enter_sync()?;
        let sessions: Vec<Result<Vec<i64>>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let request = |_| {
                            registry.with_async_env(|| {
                                insert_and_count(&registry)?;
                                session(&registry)
                            })
                        };
                        (0..25).map(request).collect()
                    })
                })
                .collect();
            let joined = threads.into_iter().map(|thread| thread.join().unwrap());
            joined.collect()
        });
        let mut seen = HashSet::new();
        for sessions in sessions {
            seen.extend(sessions?);
        }
        assert!(seen.len() <= 4, "{} connections", seen.len());
        assert_eq!(run_sync(Author::query().count(&registry))?, 100);
        outer.close()?;
        assert_eq!(registry.default_database().status().open, 0);
        Ok(())
    }
);

on_every_fresh!(
    connections_of_idle_threads_are_closed_with_the_last_lifespan,
    |fresh| {
        let registry = registry(fresh)?;
        let listing = Listing::of(fresh)?;
        let outer = registry.enter_sync()?;
        thread::scope(|scope| {
            let threads: Vec<_> = (0..3)
                .map(|_| {
                    let (done, is_done) = sync_channel(1);
                    let (end, may_end) = sync_channel::<()>(1);
                    let registry = &registry;
                    scope.spawn(move || {
                        registry
                            .with_async_env(|| insert_and_count(registry))
                            .unwrap();
                        done.send(()).unwrap();
                        let _ = may_end.recv();
                    });
                    is_done.recv().unwrap();
                    end
                })
                .collect();
            // All of them sit on an idle runtime now.
            outer.close()?;
            assert_eq!(registry.default_database().status().open, 0);
            assert_eventually("the server lists none", async || {
                listing.count().await.unwrap() == 0
            });
            drop(threads);
            Ok(())
        })
    }
);

on_every_fresh!(connections_outlive_the_thread_that_opened_them, |fresh| {
    let registry = registry(fresh)?;
    let listing = Listing::of(fresh)?;
    let lifespan = runtime().block_on(registry.connect())?;
    let of_thread = registry.clone();
    let used = thread::spawn(move || of_thread.with_async_env(|| insert_and_count(&of_thread)));
    used.join().unwrap()?;
    assert_eq!(registry.default_database().status().open, 1);
    runtime().block_on(lifespan.close())?;
    assert_eventually("the server lists none", async || {
        listing.count().await.unwrap() == 0
    });
    Ok(())
});

/// A registry of one connection.
fn narrow(fresh: &Fresh) -> Result<Registry> {
    registry(fresh)?;
    let builder = Database::builder(&fresh.url)
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(20));
    Registry::builder(builder).build()
}

on_every_fresh!(
    an_idle_connection_of_a_thread_makes_room_for_others,
    |fresh| {
        let registry = narrow(fresh)?;
        let lifespan = runtime().block_on(registry.connect())?;
        for _ in 0..3 {
            registry.with_async_env(|| insert_and_count(&registry))?;
            let of_thread = registry.clone();
            let other =
                thread::spawn(move || of_thread.with_async_env(|| insert_and_count(&of_thread)));
            other.join().unwrap()?;
            runtime().block_on(author(registry.default_database(), "Kurt"))?;
            assert_eq!(registry.default_database().status().max, 1);
        }
        runtime().block_on(lifespan.close())
    }
);

on_every_fresh!(
    what_was_spawned_and_left_ends_with_the_environment,
    |fresh| {
        let registry = narrow(fresh)?;
        let lifespan = runtime().block_on(registry.connect())?;
        let db = registry.default_database().clone();
        let first = registry.with_async_env(|| {
            run_sync(async {
                let held = db.pin().await?;
                tokio::spawn(async move {
                    let _held = held;
                    std::future::pending::<()>().await;
                });
                Ok(())
            })?;
            runtime_here()
        })?;
        assert_eq!(registry.default_database().status().in_use, 0);
        let second = registry.with_async_env(|| {
            insert_and_count(&registry)?;
            runtime_here()
        })?;
        assert_ne!(first, second);
        runtime().block_on(lifespan.close())
    }
);
