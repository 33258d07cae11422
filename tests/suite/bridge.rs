//! The sync bridge: where it may be called, what it runs on, and how it fails.

mod blocked;
mod context;
mod environment;
mod external;
mod limits;
mod places;
mod scope;
mod subloop;
mod sync_limit;
mod thread_kind;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread::{self, ThreadId},
    time::Duration,
};

use estoult::{ErrorKind, FromRow, Registry, Result, Schema, row::Row, run_sync, sql};
use tokio::{runtime::Builder, task::LocalSet};

use self::thread_kind::PLACES;
use crate::support::{
    Backend, Fresh, on_every_fresh, runtime,
    schemas::{Author, author, create_tables},
    wrap,
};

fn registry(fresh: &Fresh) -> Result<Registry> {
    let registry = Registry::builder(&*fresh.url).build()?;
    registry.with_async_env(|| run_sync(create_tables(registry.default_database())))?;
    Ok(registry)
}

/// Inserts a row through the bridge and counts them.
fn insert_and_count(registry: &Registry) -> Result<u64> {
    run_sync(author(registry.default_database(), "Kurt"))?;
    run_sync(Author::query().count(registry))
}

#[test]
fn without_an_environment_it_is_an_error() {
    let error = run_sync(async { Ok(1) }).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Configuration),
        "{error:?}"
    );
    insta::assert_snapshot!(wrap(error), @r"
    run a future from sync code: there is no async environment on this thread; wrap
    the code that the thread runs in `registry.with_async_env(|| …)`
    ");
}

on_every_fresh!(it_waits_wherever_sync_code_may_be, |fresh| {
    let registry = registry(fresh)?;
    for place in PLACES {
        place.run(&registry, |registry| {
            let before = run_sync(Author::query().count(registry))?;
            assert_eq!(insert_and_count(registry)?, before + 1);
            Ok(())
        })?;
        let db = registry.default_database();
        assert_eq!(db.status().in_use, 0, "{place:?}");
        assert!(!db.is_connected(), "{place:?}");
    }
    assert_eq!(registry.default_database().used_unconnected(), 0);
    Ok(())
});

on_every_fresh!(
    an_environment_inside_of_async_code_connects_and_joins_it,
    |fresh| {
        let registry = registry(fresh)?;
        for place in PLACES {
            place.run(&registry, |registry| {
                let inner = Registry::builder(registry.default_database().clone()).build()?;
                inner.with_async_env(|| {
                    insert_and_count(&inner)?;
                    let environment = inner.enter_sync()?;
                    insert_and_count(&inner)?;
                    environment.close()
                })?;
                assert!(registry.default_database().is_connected());
                insert_and_count(registry).map(drop)
            })?;
            assert!(!registry.default_database().is_connected(), "{place:?}");
        }
        Ok(())
    }
);

on_every_fresh!(it_waits_inside_of_an_environment, |fresh| {
    let registry = registry(fresh)?;
    assert_eq!(registry.with_async_env(|| insert_and_count(&registry))?, 1);
    let db = registry.default_database();
    assert!(!db.is_connected());
    assert_eq!((db.status().open, db.used_unconnected()), (0, 0));
    Ok(())
});

on_every_fresh!(environments_nest, |fresh| {
    let registry = registry(fresh)?;
    registry.with_async_env(|| {
        insert_and_count(&registry)?;
        let inner = registry.with_async_env(|| insert_and_count(&registry))?;
        assert_eq!(inner, 2);
        assert!(registry.default_database().is_connected());
        assert_eq!(insert_and_count(&registry)?, 3);
        Ok(())
    })?;
    run_sync(async { Ok(()) }).unwrap_err();
    Ok(())
});

on_every_fresh!(
    an_environment_that_fails_leaves_the_outer_one_alone,
    |fresh| {
        let registry = registry(fresh)?;
        let broken = Registry::builder("sqlite:/nowhere/at/all/shop.db").build()?;
        registry.with_async_env(|| {
            broken.with_async_env(|| Ok(())).unwrap_err();
            assert!(registry.default_database().is_connected());
            insert_and_count(&registry)
        })?;
        // The next one begins from nothing.
        broken.with_async_env(|| Ok(())).unwrap_err();
        run_sync(async { Ok(()) }).unwrap_err();
        registry
            .with_async_env(|| insert_and_count(&registry))
            .map(drop)
    }
);

on_every_fresh!(threads_have_environments_of_their_own, |fresh| {
    let registry = registry(fresh)?;
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let registry = registry.clone();
            thread::spawn(move || {
                registry.with_async_env(|| {
                    for _ in 0..5 {
                        insert_and_count(&registry)?;
                    }
                    Ok(())
                })
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap()?;
    }
    let count = registry.with_async_env(|| run_sync(Author::query().count(&registry)))?;
    assert_eq!(count, 20);
    Ok(())
});

on_every_fresh!(it_waits_on_a_multi_thread_runtime, |fresh| {
    let registry = registry(fresh)?;
    for workers in [1, 2] {
        let runtime = Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let lifespan = registry.connect().await?;
            insert_and_count(&registry)?;
            let of_task = registry.clone();
            let task = tokio::spawn(async move { insert_and_count(&of_task) });
            task.await.unwrap()?;
            let of_thread = registry.clone();
            let blocking = tokio::task::spawn_blocking(move || insert_and_count(&of_thread));
            blocking.await.unwrap()?;
            lifespan.close().await
        })?;
    }
    Ok(())
});

on_every_fresh!(it_waits_on_a_current_thread_runtime, |fresh| {
    let registry = registry(fresh)?;
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let lifespan = registry.connect().await?;
        insert_and_count(&registry)?;
        let of_task = registry.clone();
        let task = tokio::spawn(async move { insert_and_count(&of_task) });
        task.await.unwrap()?;
        let of_thread = registry.clone();
        let blocking = tokio::task::spawn_blocking(move || insert_and_count(&of_thread));
        assert_eq!(blocking.await.unwrap()?, 3);
        lifespan.close().await
    })
});

on_every_fresh!(it_waits_in_a_local_set, |fresh| {
    let registry = registry(fresh)?;
    let current = Builder::new_current_thread().enable_all().build().unwrap();
    for runtime in [current, runtime()] {
        LocalSet::new().block_on(&runtime, async {
            let lifespan = registry.connect().await?;
            insert_and_count(&registry)?;
            let of_task = registry.clone();
            let task = tokio::task::spawn_local(async move { insert_and_count(&of_task) });
            task.await.unwrap()?;
            lifespan.close().await
        })?;
    }
    Ok(())
});

on_every_fresh!(it_waits_within_itself, |fresh| {
    let registry = registry(fresh)?;
    let nested = || run_sync(async { run_sync(async { insert_and_count(&registry) }) });
    registry.with_async_env(nested)?;
    let current = Builder::new_current_thread().enable_all().build().unwrap();
    for runtime in [current, runtime()] {
        runtime.block_on(async {
            let lifespan = registry.connect().await?;
            nested()?;
            lifespan.close().await
        })?;
    }
    Ok(())
});

on_every_fresh!(
    many_threads_use_the_subloop_for_the_first_time_at_once,
    |fresh| {
        let registry = registry(fresh)?;
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let registry = registry.clone();
                thread::spawn(move || {
                    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                    runtime.block_on(async { insert_and_count(&registry) })
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap()?;
        }
        let count = registry.with_async_env(|| run_sync(Author::query().count(&registry)))?;
        assert_eq!(count, 8);
        Ok(())
    }
);

on_every_fresh!(a_transaction_works_through_it, |fresh| {
    let registry = registry(fresh)?;
    registry.with_async_env(|| {
        let tx = run_sync(registry.default_database().begin())?;
        let row = || {
            estoult::new!(Author {
                name: "Kurt".to_owned(),
                email: None
            })
        };
        run_sync(row().insert(&tx))?;
        drop(tx);
        assert_eq!(run_sync(Author::query().count(&registry))?, 0);
        run_sync(registry.transaction(async |tx| row().insert(tx).await))?;
        assert_eq!(run_sync(Author::query().count(&registry))?, 1);
        Ok(())
    })
});

/// The panic that goes through this work.
fn panic_of(work: impl FnOnce() -> Result<()>) -> &'static str {
    let panic = catch_unwind(AssertUnwindSafe(work)).unwrap_err();
    panic.downcast_ref::<&'static str>().copied().unwrap()
}

async fn fail() -> Result<()> {
    tokio::task::yield_now().await;
    panic!("on purpose");
}

on_every_fresh!(a_panic_goes_through, |fresh| {
    let registry = registry(fresh)?;
    let text = panic_of(|| registry.with_async_env(|| run_sync(fail())));
    assert_eq!(text, "on purpose");
    assert!(!registry.default_database().is_connected());
    run_sync(async { Ok(()) }).unwrap_err();
    let current = Builder::new_current_thread().enable_all().build().unwrap();
    for runtime in [current, runtime()] {
        runtime.block_on(async {
            assert_eq!(panic_of(|| run_sync(fail())), "on purpose");
            Ok::<_, estoult::Error>(())
        })?;
    }
    registry
        .with_async_env(|| insert_and_count(&registry))
        .map(drop)
});

#[test]
fn timers_work_inside_of_an_environment() {
    let registry = Registry::builder("sqlite::memory:").build().unwrap();
    let outcome = registry.with_async_env(|| {
        run_sync(async {
            let never = std::future::pending::<()>();
            let limit = Duration::from_millis(5);
            tokio::time::timeout(limit, never).await.unwrap_err();
            Ok(())
        })
    });
    outcome.unwrap();
}

/// The thread on which a row is decoded.
struct DecodedOn(ThreadId);

impl FromRow for DecodedOn {
    fn from_row(_: &mut Row<'_>) -> Result<Self> {
        Ok(Self(thread::current().id()))
    }
}

#[test]
fn sqlite_works_on_the_thread_of_an_environment() {
    let fresh = Fresh::new(Backend::Sqlite);
    let registry = registry(&fresh).unwrap();
    // Async code leaves a statement that takes long to another thread.
    let text = "with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 100000)
        select count(*) from numbers";
    let one = || sql(text).one::<DecodedOn>(&registry);
    let here = thread::current().id();
    let inside = registry.with_async_env(|| run_sync(one())).unwrap();
    assert_eq!(inside.0, here);
    let outside = runtime().block_on(async {
        let lifespan = registry.connect().await?;
        let row = one().await?;
        lifespan.close().await?;
        Ok::<_, estoult::Error>(row)
    });
    assert_ne!(outside.unwrap().0, here);
}
