//! Runtimes of the program's own: idle, running, ended, not driven by anybody.

use std::{
    future::pending,
    sync::mpsc::sync_channel,
    thread,
    time::{Duration, Instant},
};

use estoult::{EnvironmentRuntime, Error, ErrorKind, Registry, Result, run_sync, sql};
use tokio::{runtime::Runtime, task::spawn_blocking};

use super::{
    environment::{runtime_here, session},
    insert_and_count, registry,
    thread_kind::{current_thread, driven, only_worker},
};
use crate::support::{Fresh, on_every_fresh, runtime, wrap};

const SHORT: Duration = Duration::from_millis(100);
/// Far longer than any bound of these tests.
const LONG: Duration = Duration::from_secs(15);

fn assert_refused<T: std::fmt::Debug>(outcome: Result<T>) -> Error {
    let error = outcome.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Configuration),
        "{error:?}"
    );
    error
}

on_every_fresh!(
    an_idle_runtime_is_driven_by_the_thread_and_left_open,
    |fresh| {
        let registry = registry(fresh)?;
        for given in [current_thread(), only_worker(), runtime()] {
            for _ in 0..2 {
                registry.with_async_env_on(&given, || {
                    assert_eq!(runtime_here()?, given.handle().id());
                    insert_and_count(&registry).map(drop)
                })?;
                assert!(!registry.default_database().is_connected());
            }
            assert_eq!(given.block_on(async { 1 }), 1);
        }
        run_sync(async { Ok(()) }).unwrap_err();
        Ok(())
    }
);

on_every_fresh!(
    threads_on_one_given_runtime_share_its_connections,
    |fresh| {
        let registry = registry(fresh)?;
        let given = runtime();
        let outer = given.block_on(registry.connect())?;
        let requests = |handle: bool| {
            let request = || {
                insert_and_count(&registry)?;
                session(&registry)
            };
            let mut sessions = Vec::new();
            for _ in 0..5 {
                sessions.push(if handle {
                    registry.with_async_env_on(given.handle(), request)
                } else {
                    registry.with_async_env_on(&given, request)
                }?);
            }
            Ok::<_, Error>(sessions)
        };
        let mut seen = Vec::new();
        for handle in [false, true] {
            // One after the other they need one connection only.
            for _ in 0..3 {
                let sessions =
                    thread::scope(|scope| scope.spawn(|| requests(handle)).join().unwrap());
                seen.extend(sessions?);
            }
        }
        seen.dedup();
        assert_eq!(seen.len(), 1);
        given.block_on(outer.close())
    }
);

on_every_fresh!(the_innermost_runtime_counts, |fresh| {
    let registry = registry(fresh)?;
    let (first, second) = (current_thread(), runtime());
    registry.with_async_env(|| {
        let own = runtime_here()?;
        registry.with_async_env_on(&first, || {
            assert_eq!(runtime_here()?, first.handle().id());
            registry.with_async_env_on(second.handle(), || {
                assert_eq!(runtime_here()?, second.handle().id());
                registry.with_async_env_on(&first, || {
                    assert_eq!(runtime_here()?, first.handle().id());
                    // One without a runtime joins.
                    registry.with_async_env(|| {
                        assert_eq!(runtime_here()?, first.handle().id());
                        insert_and_count(&registry).map(drop)
                    })
                })?;
                assert_eq!(runtime_here()?, second.handle().id());
                Ok(())
            })?;
            assert_eq!(runtime_here()?, first.handle().id());
            // A runtime that runs inside counts before one that was given around it.
            second.block_on(async {
                assert_eq!(runtime_here()?, second.handle().id());
                Ok(())
            })
        })?;
        assert_eq!(runtime_here()?, own);
        Ok(())
    })
});

on_every_fresh!(a_guard_outlives_a_given_runtime, |fresh| {
    let registry = registry(fresh)?;
    let given = current_thread();
    let guard = registry.with_async_env_on(&given, || registry.enter_sync())?;
    let here = runtime_here()?;
    assert_ne!(here, given.handle().id());
    drop(given);
    insert_and_count(&registry)?;
    guard.close()?;
    assert!(!registry.default_database().is_connected());
    Ok(())
});

on_every_fresh!(a_runtime_may_be_given_where_another_one_runs, |fresh| {
    let registry = registry(fresh)?;
    let used = |registry: &Registry| -> Result<()> {
        for given in [current_thread(), runtime()] {
            registry.with_async_env_on(&given, || {
                assert_eq!(runtime_here()?, given.handle().id());
                insert_and_count(registry).map(drop)
            })?;
            given.shutdown_background();
        }
        Ok(())
    };
    for around in [current_thread(), only_worker(), runtime()] {
        around.block_on(async {
            used(&registry)?;
            let cloned = registry.clone();
            spawn_blocking(move || used(&cloned)).await.unwrap()?;
            let cloned = registry.clone();
            tokio::spawn(async move { used(&cloned) }).await.unwrap()
        })?;
        // Given where it runs itself, it is what runs there anyway.
        around.block_on(async {
            registry.with_async_env_on(&around, || insert_and_count(&registry))?;
            registry.with_async_env_on(around.handle(), || insert_and_count(&registry))
        })?;
    }
    Ok(())
});

fn ended() -> tokio::runtime::Handle {
    let runtime = runtime();
    let handle = runtime.handle().clone();
    runtime.shutdown_background();
    handle
}

#[test]
fn a_handle_of_a_runtime_that_has_ended_is_an_error() {
    let registry = Registry::builder("sqlite::memory:").build().unwrap();
    let closed = current_thread().handle().clone();
    for handle in [ended(), closed] {
        let begun = Instant::now();
        let error = assert_refused(registry.with_async_env_on(&handle, || Ok(())));
        assert!(begun.elapsed() < LONG);
        insta::allow_duplicates! {
            insta::assert_snapshot!(wrap(error), @r"
            use a runtime of tokio from sync code: it has ended; hand over one that lives as
            long as the work
            ");
        }
        assert!(!registry.default_database().is_connected());
    }
}

#[test]
fn a_handle_that_no_thread_drives_is_an_error_within_a_bound() {
    let registry = Registry::builder("sqlite::memory:").build().unwrap();
    let idle = current_thread();
    let begun = Instant::now();
    let given = EnvironmentRuntime::from(idle.handle()).answers_within(SHORT);
    let error = assert_refused(registry.with_async_env_on(given, || Ok(())));
    assert!(begun.elapsed() < LONG);
    insta::assert_snapshot!(wrap(error), @r"
    use a runtime of tokio from sync code: it ran no task within 100ms, so no thread
    drives it, or it is blocked; hand over `&Runtime` instead of its handle, or keep
    a thread in `Runtime::block_on`
    ");
    // Without a word about it the bound is a few seconds.
    assert_refused(registry.with_async_env_on(idle.handle(), || Ok(())));
    assert!(begun.elapsed() < LONG);
}

/// Runs a check while a task blocks a runtime.
fn while_blocked(runtime: &Runtime, check: impl FnOnce()) {
    let (blocked, is_blocked) = sync_channel(1);
    let (go, may_go) = sync_channel::<()>(1);
    thread::scope(|scope| {
        scope.spawn(|| {
            runtime.block_on(async move {
                blocked.send(()).unwrap();
                let _ = may_go.recv_timeout(LONG);
            });
        });
        is_blocked.recv().unwrap();
        check();
        drop(go);
    });
}

#[test]
fn a_runtime_that_another_thread_blocks_is_an_error_within_a_bound() {
    let registry = Registry::builder("sqlite::memory:").build().unwrap();
    let runtime = current_thread();
    while_blocked(&runtime, || {
        let begun = Instant::now();
        for given in [
            EnvironmentRuntime::from(&runtime),
            EnvironmentRuntime::from(runtime.handle()),
        ] {
            assert_refused(registry.with_async_env_on(given.answers_within(SHORT), || Ok(())));
        }
        assert!(begun.elapsed() < LONG);
    });
    registry.with_async_env_on(&runtime, || Ok(())).unwrap();
}

#[test]
fn a_runtime_that_another_thread_drives_is_used() {
    let registry = Registry::builder("sqlite::memory:").build().unwrap();
    driven(|runtime| {
        for _ in 0..3 {
            registry
                .with_async_env_on(runtime, || {
                    run_sync(sql("select 1").execute(&registry))?;
                    assert_eq!(runtime_here()?, runtime.handle().id());
                    Ok(())
                })
                .unwrap();
        }
    });
}

on_every_fresh!(
    a_runtime_that_ends_meanwhile_is_an_error_and_no_hang,
    |fresh| {
        let registry = registry(fresh)?;
        for waits in [false, true] {
            let given = runtime();
            let runtime = EnvironmentRuntime::from(given.handle()).answers_within(SHORT);
            let begun = Instant::now();
            let outcome = registry.with_async_env_on(runtime, || {
                insert_and_count(&registry)?;
                given.shutdown_background();
                if waits {
                    run_sync(pending::<Result<()>>())
                } else {
                    insert_often(&registry)
                }
            });
            let error = outcome.unwrap_err();
            assert!(begun.elapsed() < LONG, "{error}");
            assert!(error.message().contains("ended"), "{error}");
        }
        registry
            .with_async_env(|| insert_and_count(&registry))
            .map(drop)
    }
);

/// SQLite needs a runtime for its threads only, so more than one statement may still come through.
fn insert_often(registry: &Registry) -> Result<()> {
    for _ in 0..3 {
        insert_and_count(registry)?;
    }
    run_sync(async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(())
    })
}

on_every_fresh!(
    a_driver_that_stops_meanwhile_is_an_error_within_a_bound,
    |fresh| {
        let registry = registry(fresh)?;
        let given = current_thread();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        thread::scope(|scope| {
            let driver = scope.spawn(|| given.block_on(async { drop(stopped.await) }));
            let runtime = EnvironmentRuntime::from(given.handle()).answers_within(SHORT);
            let begun = Instant::now();
            let outcome = registry.with_async_env_on(runtime, || {
                insert_and_count(&registry)?;
                drop(stop);
                driver.join().unwrap();
                run_sync(async {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    Ok(())
                })
            });
            assert_refused(outcome);
            assert!(begun.elapsed() < LONG);
        });
        registry
            .with_async_env(|| insert_and_count(&registry))
            .map(drop)
    }
);

#[test]
fn a_thread_beside_a_runtime_that_has_ended_gets_an_error() {
    for backend in [
        crate::support::Backend::Postgres,
        crate::support::Backend::MySql,
    ] {
        let fresh = Fresh::new(backend);
        let registry = registry(&fresh).unwrap();
        let handle = ended();
        let _entered = handle.enter();
        let begun = Instant::now();
        registry
            .with_async_env(|| insert_and_count(&registry))
            .unwrap_err();
        assert!(begun.elapsed() < LONG);
    }
}
