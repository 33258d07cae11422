//! The subloop: made once, ended with the last lifespan. What a process has of threads is counted in one of its own.

use std::{
    collections::HashSet,
    fs,
    process::Command,
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use estoult::{Registry, Result, run_sync};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::LocalSet,
};

use super::{
    insert_and_count, registry,
    thread_kind::{PLACES, current_thread, only_worker},
};
use crate::support::{Backend, Listing, eventually, on_every_fresh, runtime};

/// Set in a process that runs one test alone.
const ALONE: &str = "ESTOULT_TEST_ALONE";

/// Runs the named test in a process of its own, in which `work` is done. Gives what it wrote on standard error.
fn alone(name: &str, work: impl FnOnce()) -> String {
    if std::env::var_os(ALONE).is_some() {
        work();
        return String::new();
    }
    let name = format!("suite::bridge::subloop::{name}");
    let output = Command::new(std::env::current_exe().unwrap())
        .args([name.as_str(), "--exact", "--nocapture", "--test-threads=1"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// How many threads of this process have a name.
fn threads(name: &str) -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("comm")).ok());
    names.filter(|known| known.trim_end() == name).count()
}

/// Waits until as many threads have the subloop's name.
fn await_subloops(count: usize) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while threads("estoult-subloop") != count {
        assert!(Instant::now() < deadline, "{}", threads("estoult-subloop"));
        thread::sleep(Duration::from_millis(1));
    }
}

fn in_memory() -> Registry {
    Registry::builder("sqlite::memory:").build().unwrap()
}

/// Waits from a current-thread runtime.
fn from_a_driver<T: Send>(future: impl Future<Output = Result<T>> + Send) -> T {
    current_thread().block_on(async { run_sync(future).unwrap() })
}

#[test]
fn it_is_made_once_when_many_ask_at_once() {
    alone("it_is_made_once_when_many_ask_at_once", || {
        let lifespan = runtime().block_on(in_memory().connect()).unwrap();
        let (barrier, most) = (Barrier::new(8), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    let id = from_a_driver(async {
                        // All of them are inside now; the subloop's own thread may still be starting.
                        barrier.wait();
                        await_subloops(1);
                        most.fetch_max(threads("estoult-subloop"), Ordering::SeqCst);
                        barrier.wait();
                        Ok(Handle::current().id())
                    });
                    assert_eq!(id, from_a_driver(async { Ok(Handle::current().id()) }));
                });
            }
        });
        assert_eq!(most.load(Ordering::SeqCst), 1);
        drop(lifespan);
        await_subloops(0);
    });
}

#[test]
fn it_ends_with_the_last_lifespan_of_any_registry() {
    alone("it_ends_with_the_last_lifespan_of_any_registry", || {
        for _ in 0..3 {
            let first = runtime().block_on(in_memory().connect()).unwrap();
            assert_eq!(threads("estoult-subloop"), 0, "before its first use");
            from_a_driver(async { Ok(()) });
            let second = runtime().block_on(in_memory().connect()).unwrap();
            drop(first);
            await_subloops(1);
            from_a_driver(async { Ok(()) });
            await_subloops(1);
            drop(second);
            await_subloops(0);
        }
    });
}

#[test]
fn it_stays_when_the_first_lifespan_begins_on_it() {
    alone("it_stays_when_the_first_lifespan_begins_on_it", || {
        let registry = in_memory();
        let (lifespan, id) =
            from_a_driver(async { Ok((registry.connect().await?, Handle::current().id())) });
        // Its worker, and one that SQLite's work was done on.
        assert!((1..=2).contains(&threads("estoult-subloop")));
        assert_eq!(id, from_a_driver(async { Ok(Handle::current().id()) }));
        from_a_driver(lifespan.close());
        await_subloops(0);
    });
}

#[test]
fn without_a_lifespan_it_ends_with_its_use() {
    alone("without_a_lifespan_it_ends_with_its_use", || {
        for _ in 0..3 {
            from_a_driver(async { Ok(()) });
            await_subloops(0);
        }
    });
}

#[test]
fn no_place_leaves_a_thread_behind() {
    alone("no_place_leaves_a_thread_behind", || {
        let registry = in_memory();
        for _ in 0..3 {
            for place in PLACES {
                place
                    .run(&registry, |_| run_sync(async { Ok(()) }))
                    .unwrap();
            }
        }
        await_subloops(0);
        let deadline = Instant::now() + Duration::from_secs(20);
        // The main thread and the one of the test.
        while fs::read_dir("/proc/self/task").unwrap().count() > 2 {
            assert!(Instant::now() < deadline);
            thread::sleep(Duration::from_millis(1));
        }
    });
}

#[test]
fn no_place_lets_tokio_complain() {
    let heard = alone("no_place_lets_tokio_complain", || {
        let registry = in_memory();
        for place in PLACES {
            place
                .run(&registry, |_| {
                    run_sync(async { run_sync(async { Ok(()) }) })
                })
                .unwrap();
        }
    });
    assert!(!heard.contains("panicked"), "{heard}");
}

on_every_fresh!(its_connections_end_with_it, |fresh| {
    let registry = registry(fresh)?;
    let listing = Listing::of(fresh)?;
    let listed = || runtime().block_on(listing.count());
    let lifespan = runtime().block_on(registry.connect())?;
    current_thread().block_on(async { insert_and_count(&registry) })?;
    let kept = usize::from(fresh.backend() != Backend::Sqlite);
    assert_eq!(
        (registry.default_database().status().open, listed()?),
        (1, kept)
    );
    runtime().block_on(lifespan.close())?;
    assert_eq!(registry.default_database().status().open, 0);
    runtime().block_on(eventually("the server lists none", async || {
        listing.count().await.unwrap() == 0
    }));
    Ok(())
});

/// The threads on which futures run that wait for each other.
fn nested(depth: usize) -> Result<HashSet<ThreadId>> {
    run_sync(async {
        // They all yield, as a login does that computes.
        tokio::task::yield_now().await;
        let mut threads = match depth {
            0 => HashSet::new(),
            _ => nested(depth - 1)?,
        };
        tokio::time::sleep(Duration::from_micros(1)).await;
        threads.insert(thread::current().id());
        Ok(threads)
    })
}

#[test]
fn nesting_takes_one_further_thread_at_most() {
    let registry = in_memory();
    for place in PLACES {
        let outcome = place.run(&registry, |_| {
            let threads = nested(20)?;
            assert!(threads.len() <= 2, "{threads:?}");
            Ok(())
        });
        outcome.unwrap();
    }
}

on_every_fresh!(nesting_does_not_hang_on_one_worker, |fresh| {
    let registry = registry(fresh)?;
    for runtime in [only_worker(), current_thread()] {
        assert!(runtime.metrics().num_workers() == 1);
        runtime.block_on(async {
            let lifespan = registry.connect().await?;
            let inner = registry.clone();
            let outer = tokio::spawn(async move {
                run_sync(async { run_sync(async { run_sync(async { insert_and_count(&inner) }) }) })
            });
            outer.await.unwrap()?;
            lifespan.close().await
        })?;
    }
    Ok(())
});

#[test]
fn a_local_set_within_a_task_is_no_obstacle() {
    let outcome = only_worker().block_on(async {
        let task = tokio::spawn(async {
            let work = || {
                let future = async {
                    let task = tokio::task::spawn_local(async {
                        run_sync(async { Ok(Handle::current().runtime_flavor()) })
                    });
                    task.await.unwrap()
                };
                Handle::current().block_on(LocalSet::new().run_until(future))
            };
            tokio::task::block_in_place(work)
        });
        task.await.unwrap()
    });
    assert_eq!(outcome.unwrap(), RuntimeFlavor::MultiThread);
}
