//! One database used from many runtimes: each has its own connections, under one bound.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use estoult::{Database, ErrorKind, Lifespan, Result, Schema};
use tokio::runtime::{Builder, Runtime};

use crate::support::{
    Backend, Fresh, eventually, on_every_fresh, runtime,
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
        let kept = usize::from(fresh.backend() == Backend::Sqlite);
        assert_eq!(db.status().open, kept, "connections of an ended runtime");
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
    assert_eq!(db.status().in_use, 0);
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

/// The value of a future that has to be ready at its first poll, without a runtime.
fn poll_outside<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("it waits where nothing drives it"),
    }
}
