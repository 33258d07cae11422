//! One database used from many runtimes, which share its connections.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use estoult::{Database, ErrorKind, Lifespan, Pinned, Registry, Result, Schema, run_sync, sql};
use tokio::runtime::{Builder, Runtime};

use crate::support::{
    Backend, Fresh, Listing, eventually, on_every_fresh, runtime,
    schemas::{Author, author, create_tables},
    within,
};

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Connects a database of this size on a runtime that ends at once.
fn connected(fresh: &Fresh, connections: usize) -> Result<(Database, Lifespan)> {
    let db = Database::builder(&fresh.url)
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(20))
        .build()?;
    let lifespan = runtime().block_on(async {
        let lifespan = db.connect().await?;
        create_tables(&db).await?;
        Ok::<_, estoult::Error>(lifespan)
    })?;
    Ok((db, lifespan))
}

fn close(lifespan: Lifespan) -> Result<()> {
    runtime().block_on(within("it closes", lifespan.close()))
}

on_every_fresh!(runtimes_use_it_one_after_another, |fresh| {
    let (db, lifespan) = connected(fresh, 2)?;
    for number in 0..6 {
        let runtime = if number % 2 == 0 {
            current_thread()
        } else {
            runtime()
        };
        runtime.block_on(within("it is used", author(&db, "Kurt")))?;
        drop(runtime);
        // It was opened where a runtime that ends does not take it along.
        assert_eq!(db.status().open, 1);
    }
    let count = current_thread().block_on(Author::query().count(&db))?;
    assert_eq!(count, 6);
    close(lifespan)
});

on_every_fresh!(
    a_static_database_serves_threads_with_runtimes_of_their_own,
    |fresh| {
        static DATABASES: [OnceLock<Database>; 3] = [const { OnceLock::new() }; 3];
        let place = match fresh.backend() {
            Backend::Sqlite => &DATABASES[0],
            Backend::Postgres => &DATABASES[1],
            Backend::MySql => &DATABASES[2],
        };
        let (db, lifespan) = connected(fresh, 2)?;
        let db: &'static Database = place.get_or_init(|| db);
        let threads: Vec<_> = (0..4)
            .map(|_| thread::spawn(|| current_thread().block_on(insert_often(db))))
            .collect();
        for thread in threads {
            thread.join().unwrap()?;
        }
        assert_eq!(current_thread().block_on(Author::query().count(db))?, 60);
        close(lifespan)
    }
);

async fn insert_often(db: &Database) -> Result<()> {
    for _ in 0..15 {
        within("it has a turn", author(db, "Kurt")).await?;
        let open = db.status().open;
        assert!(open <= 2, "{open} connections are open");
    }
    Ok(())
}

on_every_fresh!(an_idle_connection_of_another_runtime_makes_room, |fresh| {
    let (db, lifespan) = connected(fresh, 1)?;
    let (first, second) = (runtime(), runtime());
    for _ in 0..3 {
        for runtime in [&first, &second] {
            let begun = Instant::now();
            runtime.block_on(author(&db, "Kurt"))?;
            assert!(begun.elapsed() < Duration::from_secs(10));
            assert_eq!(db.status().open, 1);
        }
    }
    close(lifespan)
});

on_every_fresh!(a_connection_in_use_elsewhere_is_waited_for, |fresh| {
    let (db, lifespan) = connected(fresh, 1)?;
    let (first, second) = (runtime(), runtime());
    let tx = first.block_on(db.begin())?;
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let inserted = second.block_on(author(&db, "Kurt"));
            is_done.store(true, Ordering::SeqCst);
            inserted
        });
        first.block_on(eventually("it waits", async || db.status().waiting == 1));
        assert!(!is_done.load(Ordering::SeqCst));
        first.block_on(tx.commit())?;
        waiting.join().unwrap()
    })?;
    close(lifespan)
});

on_every_fresh!(a_runtime_may_end_while_its_connections_are_out, |fresh| {
    let (db, lifespan) = connected(fresh, 1)?;
    let ended = runtime();
    let tx = ended.block_on(async {
        let tx = db.begin().await?;
        let row = estoult::new!(Author {
            name: "lost".to_owned(),
            email: None
        });
        row.insert(&tx).await?;
        Ok::<_, estoult::Error>(tx)
    })?;
    drop(ended);
    assert_eq!(db.status().in_use, 1);
    drop(tx);
    runtime().block_on(eventually("it is released", async || {
        db.status().in_use == 0
    }));
    current_thread().block_on(async {
        within("the place is free", author(&db, "Kurt")).await?;
        let names = Author::query().all(&db).await?;
        let names: Vec<_> = names.iter().map(|author| author.name.as_str()).collect();
        assert_eq!(names, ["Kurt"]);
        Ok::<_, estoult::Error>(())
    })?;
    close(lifespan)
});

on_every_fresh!(
    a_transaction_of_an_ended_runtime_answers_or_says_so,
    |fresh| {
        let (db, lifespan) = connected(fresh, 1)?;
        let ended = runtime();
        let tx = ended.block_on(db.begin())?;
        drop(ended);
        current_thread().block_on(async {
            let counted = within("there is an answer", Author::query().count(&tx)).await;
            match counted {
                // What had been answered before the end can still be read, and SQLite belongs to no runtime.
                Ok(count) => assert_eq!(count, 0),
                Err(error) => {
                    assert!(fresh.backend() != Backend::Sqlite, "{error}");
                    assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
                    let text = error.message();
                    assert!(
                        text.contains("the tokio runtime that it was opened on has ended"),
                        "{text}"
                    );
                }
            }
            drop(tx);
            within("the place is free", author(&db, "Kurt")).await
        })?;
        close(lifespan)
    }
);

on_every_fresh!(
    the_status_counts_what_is_open_used_and_waited_for,
    |fresh| {
        let (db, lifespan) = connected(fresh, 2)?;
        runtime().block_on(async {
            let of = |db: &Database| {
                let status = db.status();
                (status.open, status.in_use, status.waiting, status.max)
            };
            let first = db.pin().await?;
            assert_eq!(of(&db), (1, 1, 0, 2));
            let second = db.pin().await?;
            assert_eq!(of(&db), (2, 2, 0, 2));
            let waiter = db.clone();
            let waiter = tokio::spawn(async move { waiter.pin().await.map(drop) });
            eventually("it waits", async || of(&db) == (2, 2, 1, 2)).await;
            drop(first);
            within("it has one", waiter).await.unwrap()?;
            assert_eq!(of(&db), (2, 1, 0, 2));
            second.discard();
            assert_eq!(of(&db), (1, 0, 0, 2));
            Ok::<_, estoult::Error>(())
        })?;
        close(lifespan)?;
        assert_eq!(db.status().open, 0);
        Ok(())
    }
);

#[test]
fn a_server_outside_of_any_runtime_is_an_error_that_says_so() {
    for backend in [Backend::Postgres, Backend::MySql] {
        let fresh = Fresh::new(backend);
        let (db, lifespan) = connected(&fresh, 1).unwrap();
        let mut insert = Box::pin(author(&db, "Kurt"));
        let error = poll_outside(insert.as_mut()).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Configuration),
            "{error:?}"
        );
        assert!(
            error.message().contains("no tokio runtime runs here"),
            "{error}"
        );
        close(lifespan).unwrap();
    }
}

on_every_fresh!(
    many_runtimes_share_a_static_one_after_another_and_at_once,
    |fresh| {
        static SQLITE: OnceLock<Database> = OnceLock::new();
        static POSTGRES: OnceLock<Database> = OnceLock::new();
        static MYSQL: OnceLock<Database> = OnceLock::new();
        let place = match fresh.backend() {
            Backend::Sqlite => &SQLITE,
            Backend::Postgres => &POSTGRES,
            Backend::MySql => &MYSQL,
        };
        let (db, lifespan) = connected(fresh, 3)?;
        let db: &'static Database = place.get_or_init(|| db);
        let listing = Listing::of(fresh)?;
        let threads: Vec<_> = (0..8)
            .map(|number| {
                // As many tests do, each with a runtime of its own.
                thread::spawn(move || {
                    for turn in 0..10 {
                        let runtime = if (number + turn) % 2 == 0 {
                            current_thread()
                        } else {
                            runtime()
                        };
                        runtime.block_on(within("it has a turn", author(db, "Kurt")))?;
                        if turn % 3 == 0 {
                            runtime.shutdown_background();
                        }
                    }
                    Ok::<_, estoult::Error>(())
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap()?;
        }
        assert_eq!(current_thread().block_on(Author::query().count(db))?, 80);
        close(lifespan)?;
        runtime().block_on(eventually("the server lists none", async || {
            listing.count().await.unwrap() == 0
        }));
        Ok(())
    }
);

on_every_fresh!(one_bound_holds_over_all_runtimes_on_the_server, |fresh| {
    let (db, lifespan) = connected(fresh, 3)?;
    let listing = Listing::of(fresh)?;
    let (is_done, shared) = (AtomicBool::new(false), runtime());
    let most = thread::scope(|scope| {
        let witness = scope.spawn(|| {
            let mut most = 0;
            while !is_done.load(Ordering::SeqCst) {
                most = most.max(runtime().block_on(listing.count())?);
            }
            Ok::<_, estoult::Error>(most)
        });
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let (db, shared) = (&db, &shared);
                scope.spawn(move || match number % 4 {
                    0 => shared.block_on(use_often(db)),
                    1 => current_thread().block_on(use_often(db)),
                    2 => (0..5).try_for_each(|_| runtime().block_on(use_once(db))),
                    _ => {
                        let registry = Registry::builder(db.clone()).build()?;
                        (0..10).try_for_each(|_| registry.with_async_env(|| run_sync(use_once(db))))
                    }
                })
            })
            .collect();
        let outcomes: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect();
        is_done.store(true, Ordering::SeqCst);
        let most = witness.join().unwrap()?;
        outcomes.into_iter().collect::<Result<()>>()?;
        Ok::<_, estoult::Error>(most)
    })?;
    // A connection that makes room is gone from the pool a moment before the server has noticed.
    assert!(most <= 3 + 2, "{most} connections");
    assert_eq!(db.status().in_use, 0);
    close(lifespan)?;
    runtime().block_on(eventually("the server lists none", async || {
        listing.count().await.unwrap() == 0
    }));
    Ok(())
});

async fn use_once(db: &Database) -> Result<()> {
    let tx = within("it has a turn", db.begin()).await?;
    let status = db.status();
    assert!(status.open <= 3 && status.in_use <= 3, "{status:?}");
    Author::query().count(&tx).await?;
    tx.rollback().await
}

async fn use_often(db: &Database) -> Result<()> {
    for _ in 0..15 {
        use_once(db).await?;
    }
    Ok(())
}

on_every_fresh!(
    a_runtime_may_be_shut_down_while_connections_are_used,
    |fresh| {
        let (db, lifespan) = connected(fresh, 2)?;
        let listing = Listing::of(fresh)?;
        for round in 0..4 {
            let ended = runtime();
            let (used, is_used) = std::sync::mpsc::sync_channel(2);
            for _ in 0..2 {
                let (db, used) = (db.clone(), used.clone());
                ended.spawn(async move {
                    let tx = db.begin().await.unwrap();
                    Author::query().count(&tx).await.unwrap();
                    used.send(()).unwrap();
                    // Ends with its runtime, in the middle of whatever it does.
                    loop {
                        let _ = Author::query().count(&tx).await;
                        tokio::task::yield_now().await;
                    }
                });
            }
            is_used.recv().unwrap();
            if round % 2 == 0 {
                ended.shutdown_background();
            } else {
                drop(ended);
            }
            current_thread().block_on(within("there is a place", author(&db, "Kurt")))?;
        }
        assert_eq!(current_thread().block_on(Author::query().count(&db))?, 4);
        close(lifespan)?;
        runtime().block_on(eventually("the server lists none", async || {
            listing.count().await.unwrap() == 0
        }));
        Ok(())
    }
);

on_every_fresh!(a_runtime_that_has_ended_is_no_hang, |fresh| {
    let (db, lifespan) = connected(fresh, 2)?;
    let ended = runtime();
    let handle = ended.handle().clone();
    ended.shutdown_background();
    let used = catch_unwind(AssertUnwindSafe(|| {
        let _entered = handle.enter();
        let mut insert = Box::pin(author(&db, "Kurt"));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let begun = Instant::now();
        loop {
            if let std::task::Poll::Ready(outcome) = insert.as_mut().poll(&mut context) {
                break outcome.map(drop);
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "it hangs");
            thread::yield_now();
        }
    }));
    match used {
        Ok(outcome) => drop(outcome.unwrap_err()),
        // A timer of such a runtime panics, as tokio documents.
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().copied();
            let text = text
                .or(panic.downcast_ref::<String>().map(String::as_str))
                .unwrap();
            assert!(text.contains("being shutdown"), "{text}");
        }
    }
    current_thread().block_on(within("others go on", author(&db, "Kurt")))?;
    close(lifespan)
});

/// The value of a future that has to be ready at its first poll, without a runtime.
fn poll_outside<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("it waits where nothing drives it"),
    }
}

on_every_fresh!(
    what_is_closed_on_a_runtime_that_nothing_drives_is_closed,
    |fresh| {
        let (db, lifespan) = connected(fresh, 2)?;
        let listing = Listing::of(fresh)?;
        let stopped = current_thread();
        stopped.block_on(async { db.pin().await.map(Pinned::discard) })?;
        runtime().block_on(eventually("the server has closed it", async || {
            fresh.backend() == Backend::Sqlite || listing.count().await.unwrap() == db.status().open
        }));
        drop(stopped);
        close(lifespan)
    }
);

/// The settings of a runtime without a clock.
fn without_time() -> Runtime {
    Builder::new_current_thread().enable_io().build().unwrap()
}

#[track_caller]
fn names_enable_time<T: std::fmt::Debug>(outcome: Result<T>) {
    let error = outcome.unwrap_err();
    let is_known = matches!(error.kind(), ErrorKind::Configuration);
    assert!(is_known, "{error:?}");
    assert!(error.message().contains("`enable_time`"), "{error}");
}

on_every_fresh!(a_runtime_without_timers_is_refused, |fresh| {
    let db = fresh.database();
    names_enable_time(without_time().block_on(db.connect()));
    names_enable_time(without_time().block_on(sql("select 1").rows(&db)));
    let builder = Database::builder(&fresh.url).max_connections(1);
    let limited = builder.statement_timeout(Duration::from_secs(20)).build()?;
    let lifespan = runtime().block_on(limited.connect())?;
    names_enable_time(without_time().block_on(sql("select 1").rows(&limited)));
    let tx = runtime().block_on(limited.begin())?;
    names_enable_time(without_time().block_on(sql("select 1").rows(&tx)));
    names_enable_time(without_time().block_on(tx.rollback()));
    names_enable_time(
        without_time()
            .block_on(limited.pin())
            .map(drop)
            .and(without_time().block_on(limited.connect()).map(drop)),
    );
    runtime().block_on(sql("select 1").rows(&limited))?;
    assert!(limited.status().open <= 1);
    close(lifespan)
});
