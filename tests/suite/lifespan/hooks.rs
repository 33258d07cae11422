//! What runs on connect and on disconnect.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use estoult::{Database, Error, ErrorKind, Registry, Result, batch, database::DatabaseState, sql};
use tokio::sync::Notify;
use tracing::Level;

use super::attempt::poll_once;
use crate::support::{
    Backend, Capture, Fresh, eventually, mask, on_every_fresh, runtime, within, wrap,
};

/// What happened, in order.
#[derive(Debug, Clone, Default)]
struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A database that notes when it is connected and disconnected, using its connections.
fn noting(fresh: &Fresh, journal: &Journal) -> Result<Database> {
    let (came, went) = (journal.clone(), journal.clone());
    Database::builder(&fresh.url)
        .on_connect(move |db: Database| {
            let came = came.clone();
            async move {
                batch(&db, "select 1").await?;
                came.note(format!("came, {:?}, {} open", db.state(), db.status().open));
                Ok(())
            }
        })
        .on_disconnect(move |db: Database| {
            let went = went.clone();
            async move {
                batch(&db, "select 1").await?;
                went.note(format!("went, {:?}, {} open", db.state(), db.status().open));
                Ok(())
            }
        })
        .build()
}

on_every_fresh!(hooks_run_when_the_first_begins_and_the_last_ends, |fresh| {
    let journal = Journal::default();
    let db = noting(fresh, &journal)?;
    runtime().block_on(async {
        for _ in 0..2 {
            let first = db.connect().await?;
            assert_eq!(journal.take(), ["came, Connecting, 1 open"]);
            let second = db.connect().await?;
            first.close().await?;
            assert_eq!(journal.take(), [""; 0]);
            second.close().await?;
            assert_eq!(journal.take(), ["went, Closing, 1 open"]);
            assert_eq!((db.state(), db.status().open), (DatabaseState::Idle, 0));
        }
        assert_eq!(db.used_unconnected(), 0);
        Ok(())
    })
});

on_every_fresh!(hooks_run_in_order_and_the_last_given_goes_first, |fresh| {
    let journal = Journal::default();
    let mut builder = Database::builder(&fresh.url);
    for name in ["one", "two"] {
        let (came, went) = (journal.clone(), journal.clone());
        builder = builder
            .on_connect(move |_| {
                came.note(format!("{name} came"));
                async { Ok(()) }
            })
            .on_disconnect(move |_| {
                went.note(format!("{name} went"));
                async { Err(Error::custom("it would not go")) }
            });
    }
    let db = builder.build()?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        assert_eq!(journal.take(), ["one came", "two came"]);
        let error = lifespan.close().await.unwrap_err();
        assert!(
            error
                .message()
                .ends_with("run its `on_disconnect` hook: it would not go"),
            "{error}"
        );
        assert_eq!(journal.take(), ["two went", "one went"]);
        assert_eq!((db.state(), db.status().open), (DatabaseState::Idle, 0));
        Ok(())
    })
});

on_every_fresh!(
    a_hook_that_fails_disconnects_all_that_the_attempt_connected,
    |fresh| {
        let outer = fresh.database();
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let refusing = Database::builder(&fresh.url)
            .min_connections(3)
            .on_connect(move |_| {
                counted.fetch_add(1, Ordering::SeqCst);
                async { Err(Error::custom("the tables are missing")) }
            })
            .build()?;
        let registry = Registry::builder(&*fresh.url)
            .extra("outer", outer.clone())
            .extra("refusing", refusing.clone())
            .build()?;
        runtime().block_on(async {
            let lifespan = outer.connect().await?;
            let error = registry.connect().await.unwrap_err();
            let text = error.message();
            assert!(text.starts_with("`refusing` ("), "{text}");
            assert!(
                text.ends_with("run its `on_connect` hook: the tables are missing"),
                "{text}"
            );
            assert_eq!(calls.load(Ordering::SeqCst), 1);
            assert_eq!(outer.state(), DatabaseState::Connected(1));
            let default = registry.default_database();
            for db in [default, &refusing] {
                assert_eq!((db.state(), db.status().open), (DatabaseState::Idle, 0));
            }
            lifespan.close().await
        })
    }
);

on_every_fresh!(a_hook_that_panics_is_an_error, |fresh| {
    let db = Database::builder(&fresh.url)
        .on_connect(|_| async { panic!("no tables") })
        .build()?;
    runtime().block_on(async {
        let error = within("it fails", db.connect()).await.unwrap_err();
        assert!(
            error
                .message()
                .ends_with("run its `on_connect` hook: it panicked: no tables"),
            "{error}"
        );
        assert_eq!((db.state(), db.status().open), (DatabaseState::Idle, 0));
        Ok(())
    })
});

on_every_fresh!(a_hook_has_the_time_of_the_whole_attempt, |fresh| {
    let limit = Duration::from_millis(400);
    let slow = Database::builder(&fresh.url)
        .connect_within(limit)
        .on_connect(|_| std::future::pending::<Result<()>>())
        .build()?;
    let circular = Database::builder(&fresh.url)
        .connect_within(limit)
        .on_connect(|db: Database| async move { db.connect().await?.close().await })
        .build()?;
    runtime().block_on(async {
        let begun = Instant::now();
        for db in [&slow, &circular] {
            let error = within("it fails", db.connect()).await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
            let text = error.message();
            assert!(
                text.ends_with(
                    "not done within 400ms (`connect_within`): its `on_connect` hook still runs"
                ),
                "{text}"
            );
            assert_eq!((db.state(), db.status().open), (DatabaseState::Idle, 0));
        }
        assert!(begun.elapsed() < limit * 20);
        Ok(())
    })
});

on_every_fresh!(a_hook_on_disconnect_has_the_time_of_closing, |fresh| {
    let limit = Duration::from_millis(200);
    let db = Database::builder(&fresh.url)
        .on_disconnect(|_| std::future::pending::<Result<()>>())
        .build()?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        let closed = within("it is closed", lifespan.close_within(limit)).await;
        let closed = &closed.databases()[0];
        assert!(closed.is_disconnected() && !closed.is_complete());
        let error = closed.error.as_ref().unwrap();
        assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
        assert!(
            error
                .message()
                .starts_with("run its `on_disconnect` hook: not done within"),
            "{error}"
        );
        assert_eq!((db.state(), db.status().open), (DatabaseState::Idle, 0));
        Ok(())
    })
});

on_every_fresh!(who_connects_waits_for_what_runs_on_disconnect, |fresh| {
    let (journal, gate) = (Journal::default(), Arc::new(Notify::new()));
    let (came, went, held) = (journal.clone(), journal.clone(), Arc::clone(&gate));
    let db = Database::builder(&fresh.url)
        .on_connect(move |_| {
            came.note("came");
            async { Ok(()) }
        })
        .on_disconnect(move |_| {
            let (went, held) = (went.clone(), Arc::clone(&held));
            async move {
                went.note("goes");
                held.notified().await;
                went.note("went");
                Ok(())
            }
        })
        .build()?;
    runtime().block_on(async {
        let closing = tokio::spawn(db.connect().await?.close());
        eventually("it parts", async || db.state() == DatabaseState::Closing).await;
        let mut second = Box::pin(db.connect());
        poll_once(&mut second).await;
        gate.notify_one();
        let second = within("it is connected", second).await?;
        within("it is closed", closing).await.unwrap()?;
        assert_eq!(journal.take(), ["came", "goes", "went", "came"]);
        gate.notify_one();
        second.close().await
    })
});

on_every_fresh!(
    who_connects_does_not_wait_for_a_runtime_that_stands_still,
    |fresh| {
        let db = Database::builder(&fresh.url)
            .on_disconnect(|_| std::future::pending::<Result<()>>())
            .build()?;
        let still = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let mut closing = None;
        still.block_on(async {
            let lifespan = db.connect().await?;
            let mut future = Box::pin(lifespan.close_within(Duration::from_millis(300)));
            poll_once(&mut future).await;
            closing = Some(future);
            Ok::<_, Error>(())
        })?;
        // No runtime drives the hook; its time ends all the same.
        assert_eq!(db.state(), DatabaseState::Closing);
        runtime().block_on(async {
            let lifespan = within("it is connected", db.connect()).await?;
            sql("select 1").execute(&db).await?;
            assert_eq!(db.state(), DatabaseState::Connected(1));
            drop(closing);
            assert_eq!(db.state(), DatabaseState::Connected(1));
            lifespan.close_within(Duration::from_millis(50)).await;
            assert_eq!((db.state(), db.status().open), (DatabaseState::Idle, 0));
            Ok(())
        })
    }
);

on_every_fresh!(
    a_hook_of_a_dropped_lifespan_runs_in_the_background,
    |fresh| {
        let journal = Journal::default();
        let db = noting(fresh, &journal)?;
        runtime().block_on(async {
            drop(db.connect().await?);
            eventually("it is disconnected", async || {
                db.state() == DatabaseState::Idle
            })
            .await;
            assert_eq!(
                journal.take(),
                ["came, Connecting, 1 open", "went, Closing, 1 open"]
            );
            assert_eq!((db.status().open, db.used_unconnected()), (0, 0));
            Ok(())
        })
    }
);

#[test]
fn a_hook_that_can_not_run_is_told_of() {
    let fresh = Fresh::new(Backend::Sqlite);
    let journal = Journal::default();
    let db = noting(&fresh, &journal).unwrap();
    let capture = Capture::of(Level::WARN);
    tracing::subscriber::with_default(capture.clone(), || {
        let lifespan = runtime().block_on(db.connect()).unwrap();
        journal.take();
        // No runtime is here.
        drop(lifespan);
    });
    assert_eq!(journal.take(), [""; 0]);
    assert_eq!((db.state(), db.status().open), (DatabaseState::Idle, 0));
    let lines = capture
        .lines()
        .join("\n")
        .replace(&format!("{db}"), "DATABASE");
    insta::assert_snapshot!(wrap(mask(&lines)), @"
    a database was disconnected before its `on_disconnect` hook finished: the
    lifespan was dropped where no tokio runtime runs on; call `close().await` and
    wait for it; database=DATABASE
    ");
}

#[test]
fn a_builder_shows_how_many_hooks_it_has() {
    let builder = Database::builder("sqlite::memory:").on_connect(|_| async { Ok(()) });
    let debug = format!("{builder:?}");
    assert!(
        debug.contains("Hooks { on_connect: 1, on_disconnect: 0 }"),
        "{debug}"
    );
}
