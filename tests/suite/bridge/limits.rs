//! Limits on both sides: work that is not done in time is dropped, and what it had begun is undone.

use std::{
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use estoult::{
    Context, Dialect, Error, ErrorKind, Registry, Result, Schema, run_sync, run_sync_apart,
    run_sync_within, sql,
};

use super::{
    registry,
    thread_kind::{PLACES, Place},
};
use crate::support::{
    Backend, Fresh, eventually, on_every_fresh, runtime,
    schemas::{Author, author},
    wrap,
};

const SHORT: Duration = Duration::from_millis(20);
/// Far more than any limit of these tests, and far less than what would have been waited for.
const LONG: Duration = Duration::from_secs(15);

fn assert_timeout<T: std::fmt::Debug>(outcome: Result<T>) -> Error {
    let error = outcome.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
    error
}

/// Waits until no connection is in use.
fn assert_none_in_use(registry: &Registry) {
    let db = registry.default_database();
    std::thread::scope(|scope| {
        let waiting = || {
            runtime().block_on(eventually("no connection is in use", async || {
                db.status().in_use == 0
            }));
        };
        scope.spawn(waiting).join().unwrap();
    });
}

on_every_fresh!(what_waits_too_long_is_dropped_and_rolled_back, |fresh| {
    let registry = registry(fresh)?;
    for place in PLACES {
        place.run(&registry, |registry| {
            let begun = Instant::now();
            let cut = run_sync_within(
                SHORT * 10,
                registry.transaction(async |tx| {
                    let row = estoult::new!(Author {
                        name: "lost".to_owned(),
                        email: None
                    });
                    row.insert(tx).await?;
                    pending::<Result<()>>().await
                }),
            );
            assert_timeout(cut);
            assert!(begun.elapsed() < LONG);
            assert_none_in_use(registry);
            assert_eq!(run_sync(Author::query().count(registry))?, 0);
            // What is done in time is not touched.
            let kept = run_sync_within(LONG, author(registry.default_database(), "kept"))?;
            run_sync(kept.delete(registry))?;
            Ok(())
        })?;
    }
    Ok(())
});

/// A statement that takes longer than anybody waits.
fn endless(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => {
            "with recursive numbers(n) as (select 1 union all select n + 1 from numbers) select count(*) from numbers"
        }
        Dialect::Postgres => "select count(*) from pg_sleep(20)",
        _ => "select sleep(20)",
    }
}

on_every_fresh!(a_statement_that_takes_too_long_is_left, |fresh| {
    let registry = registry(fresh)?;
    for place in PLACES {
        place.run(&registry, |registry| {
            let begun = Instant::now();
            let statement = endless(registry.default_database().dialect());
            let cut = run_sync_within(SHORT, async {
                sql(statement).one::<(i64,)>(registry).await.map(drop)
            });
            assert_timeout(cut);
            assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
            assert_none_in_use(registry);
            run_sync(Author::query().count(registry)).map(drop)
        })?;
    }
    Ok(())
});

#[test]
fn a_limit_says_what_to_do() {
    let registry = Registry::builder("sqlite::memory:").build().unwrap();
    let texts = registry.with_async_env(|| {
        let waiting = run_sync_within(Duration::from_millis(5), pending::<Result<()>>());
        let gate = Arc::new(Gate::default());
        let blocking = Arc::clone(&gate);
        let blocked = run_sync_apart(Duration::from_millis(5), async move {
            blocking.wait();
            Ok(())
        });
        gate.open();
        Ok((assert_timeout(waiting), assert_timeout(blocked)))
    });
    let (waiting, blocked) = texts.unwrap();
    insta::assert_snapshot!(wrap(waiting), @r"
    run a future from sync code: it was not done within 5ms, so it was dropped, and
    what it had not committed is rolled back; give it more time, or find out what it
    waits for
    ");
    insta::assert_snapshot!(wrap(blocked), @r"
    run a future from sync code: it was not done within 5ms and blocks its thread,
    so it was left behind; it is dropped as soon as it waits for something
    ");
}

#[test]
fn what_is_ready_at_once_needs_no_time() {
    let registry = Registry::builder("sqlite::memory:").build().unwrap();
    for place in PLACES {
        let outcome = place.run(&registry, |_| {
            assert_eq!(run_sync_within(Duration::ZERO, async { Ok(1) })?, 1);
            assert_eq!(run_sync_within(Duration::MAX, async { Ok(1) })?, 1);
            Ok(())
        });
        outcome.unwrap();
    }
}

#[test]
fn what_never_rests_is_cut_as_well() {
    let registry = Registry::builder("sqlite::memory:").build().unwrap();
    for place in PLACES {
        let outcome = place.run(&registry, |_| {
            let begun = Instant::now();
            assert_timeout(run_sync_within(SHORT, async {
                loop {
                    tokio::task::yield_now().await;
                }
                #[expect(unreachable_code, reason = "the type of a future that never ends")]
                Ok(())
            }));
            assert!(begun.elapsed() < LONG);
            Ok(())
        });
        outcome.unwrap();
    }
}

/// A gate at which threads wait.
#[derive(Default)]
struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn wait(&self) {
        let guard = self.is_open.lock().unwrap();
        let (_guard, timeout) = self
            .opened
            .wait_timeout_while(guard, LONG, |is_open| !*is_open)
            .unwrap();
        assert!(!timeout.timed_out(), "nobody opened the gate");
    }

    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

on_every_fresh!(work_apart_that_blocks_its_thread_is_left_behind, |fresh| {
    let registry = registry(fresh)?;
    // Each place where another thread does it, and each where this one would.
    for place in [
        Place::Environment,
        Place::GivenHandle,
        Place::OnlyWorker,
        Place::CurrentThread,
        Place::LocalSet,
        Place::BlockingThreadOfCurrentThread,
    ] {
        place.run(&registry, |registry| {
            let gate = Arc::new(Gate::default());
            let (blocking, of_work) = (Arc::clone(&gate), registry.clone());
            let begun = Instant::now();
            let left = run_sync_apart(SHORT * 10, async move {
                let tx = of_work.default_database().begin().await?;
                author_in(&tx).await?;
                blocking.wait();
                // The limit is over: this is not reached.
                tokio::task::yield_now().await;
                tx.commit().await
            });
            assert_timeout(left);
            assert!(begun.elapsed() < LONG);
            gate.open();
            assert_none_in_use(registry);
            assert_eq!(run_sync(Author::query().count(registry))?, 0);
            Ok(())
        })?;
    }
    Ok(())
});

async fn author_in(tx: &estoult::Transaction) -> Result<()> {
    let row = estoult::new!(Author {
        name: "lost".to_owned(),
        email: None
    });
    row.insert(tx).await.map(drop)
}

on_every_fresh!(work_apart_gives_its_value_error_or_panic, |fresh| {
    let registry = registry(fresh)?;
    for place in PLACES {
        place.run(&registry, |registry| {
            let of_work = registry.clone();
            let tagged = Context::current().tagged("request", "7");
            let (count, tags) = tagged.run(|| {
                run_sync_apart(LONG, async move {
                    let tags = Context::current().tags().count();
                    Ok((Author::query().count(&of_work).await?, tags))
                })
            })?;
            assert_eq!((count, tags), (0, 1));
            let failed = run_sync_apart(LONG, async { Err::<(), _>(Error::custom("closed")) });
            assert_eq!(failed.unwrap_err().message(), "closed");
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                run_sync_apart(LONG, async { panic!("on purpose") })
            }));
            let panic = panicked.map(|_: Result<()>| ()).unwrap_err();
            assert_eq!(panic.downcast_ref(), Some(&"on purpose"));
            run_sync(Author::query().count(registry)).map(drop)
        })?;
    }
    Ok(())
});

#[test]
fn work_apart_without_an_environment_is_an_error() {
    let error = run_sync_apart(LONG, async { Ok(1) }).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Configuration),
        "{error:?}"
    );
}

#[test]
fn sqlite_is_interrupted_when_the_limit_of_an_environment_is_over() {
    let fresh = Fresh::new(Backend::Sqlite);
    let registry = registry(&fresh).unwrap();
    let begun = Instant::now();
    let left = registry.with_async_env(|| {
        let statement = sql(endless(Dialect::Sqlite));
        run_sync_within(SHORT, statement.one::<(i64,)>(&registry))
    });
    assert_timeout(left);
    assert!(begun.elapsed() < LONG);
    assert_eq!(registry.default_database().status().open, 0);
}
