//! One attempt for all who connect at the same time, wherever they run, and whichever of them gives up.

use std::{
    future::{Future, poll_fn},
    task::Poll,
    thread,
    time::{Duration, Instant},
};

use estoult::{
    Database, DatabaseBuilder, ErrorKind, Lifespan, Result, Schema, database::DatabaseState,
};
use tokio::runtime::{Builder, Runtime};

use crate::support::{
    Backend, Fresh, Proxy, Treatment, cut_after, eventually, on_every_fresh, runtime,
    schemas::{Author, author, create_tables},
    within,
};

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A database of a server behind a door.
pub(super) fn behind(backend: Backend, treatment: Treatment) -> (Fresh, Proxy, DatabaseBuilder) {
    let fresh = Fresh::new(backend);
    let proxy = Proxy::new(&fresh.url, treatment);
    let builder = Database::builder(proxy.url());
    (fresh, proxy, builder)
}

/// One test for each server, behind a door.
macro_rules! on_every_proxy {
    ($name:ident, $treatment:expr, $test:expr $(,)?) => {
        mod $name {
            use super::*;

            #[test]
            fn postgres() {
                let (_fresh, proxy, builder) = behind(Backend::Postgres, $treatment);
                let test: fn(&Proxy, DatabaseBuilder) -> Result<()> = $test;
                test(&proxy, builder).unwrap();
            }

            #[test]
            fn mysql() {
                let (_fresh, proxy, builder) = behind(Backend::MySql, $treatment);
                let test: fn(&Proxy, DatabaseBuilder) -> Result<()> = $test;
                test(&proxy, builder).unwrap();
            }
        }
    };
}

pub(super) use on_every_proxy;

/// Connects from eight threads, each with a runtime of its own; `so_far` runs when all of them wait.
fn from_eight_threads(db: &Database, so_far: impl FnOnce()) -> Vec<Result<Lifespan>> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| current_thread().block_on(within("it ends", db.connect()))))
            .collect();
        so_far();
        threads
            .into_iter()
            .map(|each| each.join().unwrap())
            .collect()
    })
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    current_thread().block_on(eventually(what, async || is_so()));
}

on_every_proxy!(
    threads_with_runtimes_of_their_own_share_one_attempt,
    Treatment::Silent,
    |proxy, builder| {
        let db = builder.build()?;
        let lifespans = from_eight_threads(&db, || {
            until("one came", || proxy.connections() == 1);
            // Long enough for another one to come, if there were any that did not wait.
            until("the first has waited", {
                let begun = Instant::now();
                move || begun.elapsed() > Duration::from_millis(300)
            });
            proxy.set(Treatment::Forward);
        });
        let lifespans: Vec<_> = lifespans.into_iter().collect::<Result<_>>()?;
        assert_eq!(proxy.connections(), 1);
        assert_eq!(db.state(), DatabaseState::Connected(8));
        for lifespan in lifespans {
            drop(lifespan);
        }
        assert_eq!((db.state(), db.status().open), (DatabaseState::Idle, 0));
        Ok(())
    }
);

on_every_proxy!(
    those_who_wait_share_the_failure,
    Treatment::Silent,
    |proxy, builder| {
        let limit = Duration::from_millis(400);
        let db = builder.connect_timeout(limit).build()?;
        let begun = Instant::now();
        let lifespans = from_eight_threads(&db, || ());
        assert!(begun.elapsed() < limit * 6, "{:?}", begun.elapsed());
        for lifespan in lifespans {
            let error = lifespan.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
            assert!(
                error.message().contains("no answer within 400ms"),
                "{error}"
            );
        }
        assert_eq!((db.state(), db.status().open), (DatabaseState::Idle, 0));
        // A later one is tried anew, and finds the server well.
        let connections = proxy.connections();
        proxy.set(Treatment::Forward);
        runtime().block_on(async {
            let lifespan = db.connect().await?;
            assert_eq!(proxy.connections(), connections + 1);
            lifespan.close().await
        })
    }
);

on_every_proxy!(
    an_attempt_goes_on_when_the_first_gives_up,
    Treatment::Silent,
    |proxy, builder| {
        let db = builder.build()?;
        runtime().block_on(async {
            let first = tokio::spawn({
                let db = db.clone();
                async move { db.connect().await }
            });
            eventually("it came", async || proxy.connections() == 1).await;
            let mut second = Box::pin(db.connect());
            poll_once(&mut second).await;
            first.abort();
            assert!(first.await.unwrap_err().is_cancelled());
            proxy.set(Treatment::Forward);
            let lifespan = within("it is connected", second).await?;
            assert_eq!(proxy.connections(), 1);
            assert_eq!(db.state(), DatabaseState::Connected(1));
            lifespan.close().await
        })
    }
);

/// Drives a future a little.
pub(super) async fn poll_once<F: Future + Unpin>(mut future: F) {
    poll_fn(|context| {
        assert!(std::pin::Pin::new(&mut future).poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
}

on_every_proxy!(
    another_runtime_takes_over_from_one_that_stands_still,
    Treatment::Silent,
    |proxy, builder| {
        let db = builder.max_connections(1).build()?;
        let still = current_thread();
        let mut first = Box::pin(db.connect());
        still.block_on(async {
            poll_once(&mut first).await;
            eventually("it came", async || proxy.connections() == 1).await;
        });
        // From here on no thread drives the first runtime.
        proxy.set(Treatment::Forward);
        let lifespan = current_thread().block_on(async {
            let lifespan = within("it is connected", db.connect()).await?;
            assert_eq!(db.state(), DatabaseState::Connected(2));
            author_table(&db).await?;
            Ok::<_, estoult::Error>(lifespan)
        })?;
        // The first one was connected by the second one's attempt, and learns of it.
        let early = still.block_on(within("it is told", first))?;
        drop(early);
        assert_eq!(db.state(), DatabaseState::Connected(1));
        runtime().block_on(lifespan.close())?;
        assert_eq!(db.status().open, 0);
        Ok(())
    }
);

async fn author_table(db: &Database) -> Result<()> {
    create_tables(db).await?;
    author(db, "Kurt").await?;
    Ok(())
}

on_every_proxy!(
    another_runtime_takes_over_from_one_that_ends,
    Treatment::Silent,
    |proxy, builder| {
        let db = builder.max_connections(1).build()?;
        let ends = runtime();
        let first = db.clone();
        let first = ends.spawn(async move { first.connect().await });
        until("it came", || proxy.connections() == 1);
        thread::scope(|scope| {
            let second = scope.spawn(|| {
                current_thread().block_on(async {
                    let lifespan = within("it is connected", db.connect()).await?;
                    author_table(&db).await?;
                    lifespan.close().await
                })
            });
            until("both wait", || format!("{:?}", db.state()) == "Connecting");
            ends.shutdown_background();
            proxy.set(Treatment::Forward);
            second.join().unwrap()
        })?;
        drop(first);
        assert_eq!((db.state(), db.status().open), (DatabaseState::Idle, 0));
        Ok(())
    }
);

on_every_fresh!(an_attempt_that_nobody_waits_for_leaves_nothing, |fresh| {
    let db = Database::builder(&fresh.url)
        .max_connections(1)
        .min_connections(1)
        .build()?;
    for polls in 0..12 {
        let runtime = runtime();
        runtime.block_on(async {
            match cut_after(polls, db.connect()).await {
                Some(lifespan) => lifespan?.close().await?,
                None => assert_eq!(db.state(), DatabaseState::Idle),
            }
            eventually("nothing is open", async || db.status().open == 0).await;
            let lifespan = within("it can be connected", db.connect()).await?;
            assert_eq!(db.state(), DatabaseState::Connected(1));
            lifespan.close().await
        })?;
        assert_eq!((db.state(), db.status().open), (DatabaseState::Idle, 0));
    }
    Ok(())
});

on_every_fresh!(a_lifespan_that_came_too_late_is_ended, |fresh| {
    // A waiter gives up after the attempt has succeeded, and before it has seen the result.
    let db = fresh.database();
    runtime().block_on(async {
        let mut late = Box::pin(db.connect());
        poll_once(&mut late).await;
        let lifespan = within("it is connected", db.connect()).await?;
        assert_eq!(db.state(), DatabaseState::Connected(2));
        drop(late);
        assert_eq!(db.state(), DatabaseState::Connected(1));
        lifespan.close().await?;
        assert_eq!((db.state(), db.status().open), (DatabaseState::Idle, 0));
        Ok(())
    })
});

on_every_fresh!(
    connecting_again_does_not_wait_for_what_is_still_in_use,
    |fresh| {
        let db = fresh.database();
        runtime().block_on(async {
            let first = db.connect().await?;
            create_tables(&db).await?;
            let tx = db.begin().await?;
            let closing = tokio::spawn(first.close());
            eventually("it closes", async || db.state() == DatabaseState::Closing).await;
            let second = within("it is connected", db.connect()).await?;
            assert_eq!(db.state(), DatabaseState::Connected(1));
            assert_eq!(Author::query().count(&db).await?, 0);
            tx.rollback().await?;
            within("it is closed", closing).await.unwrap()?;
            assert_eq!(db.state(), DatabaseState::Connected(1));
            assert_eq!((db.status().open, db.used_unconnected()), (1, 0));
            second.close().await?;
            assert_eq!((db.state(), db.status().open), (DatabaseState::Idle, 0));
            Ok(())
        })
    }
);

on_every_fresh!(
    a_connection_from_before_takes_its_place_until_it_comes_back,
    |fresh| {
        let limit = Duration::from_millis(300);
        let db = Database::builder(&fresh.url)
            .max_connections(1)
            .connect_within(limit)
            .build()?;
        runtime().block_on(async {
            let first = connected(&db).await;
            let pinned = db.pin().await?;
            drop(first);
            let error = db.connect().await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
            let text = error.message();
            assert!(
                text.contains(
                    "connections of an earlier lifespan are still in use, held by tests/"
                ),
                "{text}"
            );
            drop(pinned);
            let second = connected(&db).await;
            second.close().await?;
            assert_eq!(db.status().open, 0);
            Ok(())
        })
    }
);

/// Connects with patience, where the limit is short.
async fn connected(db: &Database) -> Lifespan {
    loop {
        if let Ok(lifespan) = db.connect().await {
            return lifespan;
        }
    }
}
