//! Every place from which sync code may wait, in every danger: transactions of other runtimes, a pool of one, runtimes
//! that shut down, destructors. Each ends with an answer or an error within a bound.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use estoult::{
    Database, Dialect, Error, ErrorKind, Lifespan, Registry, Result, Schema, Transaction, run_sync,
    sql,
};
use tokio::runtime::{Handle, Runtime};

use super::{
    blocked::without_a_hang,
    registry,
    thread_kind::{PLACES, Place, current_thread, driven, only_worker},
};
use crate::support::{
    Fresh, on_every_fresh, runtime,
    schemas::{Author, author},
};

/// How long a call may take that can't succeed, on a busy machine.
const BOUND: Duration = Duration::from_secs(40);

/// A runtime of which a transaction is used elsewhere.
#[derive(Debug, Clone, Copy)]
enum Foreign {
    /// It runs.
    Running,
    /// It has one thread, which drives it.
    DrivenByAnother,
    /// It has one thread, and none drives it.
    Undriven,
    /// It has ended.
    Ended,
    /// Its only worker is blocked.
    Blocked,
}

impl Foreign {
    /// Begins a transaction on the runtime, and uses it while the runtime is in its state.
    fn with_transaction(
        self,
        db: &Database,
        work: impl FnOnce(Transaction) -> Result<()>,
    ) -> Result<()> {
        let begin = |runtime: &Runtime| runtime.block_on(begun_here(db));
        match self {
            Self::Running => {
                let runtime = runtime();
                let (_lifespan, tx) = begin(&runtime)?;
                work(tx)
            }
            Self::DrivenByAnother => driven(|runtime| {
                let db = db.clone();
                let (sender, receiver) = sync_channel(1);
                runtime.spawn(async move { sender.send(begun_here(&db).await) });
                let (_lifespan, tx) = receiver.recv().unwrap()?;
                work(tx)
            }),
            Self::Undriven => {
                let runtime = current_thread();
                let (_lifespan, tx) = begin(&runtime)?;
                work(tx)
            }
            Self::Ended => {
                let (_lifespan, tx) = begin(&runtime())?;
                work(tx)
            }
            Self::Blocked => {
                let runtime = only_worker();
                let (_lifespan, tx) = begin(&runtime)?;
                let _blocked = block_worker(&runtime);
                work(tx)
            }
        }
    }

    /// Whether the transaction can be used from everywhere: only a socket of MySQL stays with its runtime.
    fn is_usable(self, dialect: Dialect) -> bool {
        let is_bound = !matches!(dialect, Dialect::Sqlite | Dialect::Postgres);
        !(is_bound && matches!(self, Self::Ended | Self::Blocked))
    }
}

/// A transaction on a connection that this runtime has opened: no other lifespan keeps any.
async fn begun_here(db: &Database) -> Result<(Lifespan, Transaction)> {
    assert_eq!(db.status().open, 0);
    let lifespan = db.connect().await?;
    Ok((lifespan, begun(db).await?))
}

/// A transaction that the database knows of.
async fn begun(db: &Database) -> Result<Transaction> {
    let tx = db.begin().await?;
    Author::query().count(&tx).await?;
    Ok(tx)
}

/// Blocks the only worker until the sender is dropped.
fn block_worker(runtime: &Runtime) -> SyncSender<()> {
    let (end, ended): (_, Receiver<()>) = sync_channel(1);
    let (ready, is_ready) = sync_channel(1);
    runtime.spawn(async move {
        ready.send(()).unwrap();
        let _ = ended.recv();
    });
    is_ready.recv().unwrap();
    end
}

/// An error that says that the connection can't be used here.
fn is_out_of_reach(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Connection | ErrorKind::Configuration | ErrorKind::Timeout
    )
}

/// All places at once, each with connections of its own: some calls wait until they are refused.
fn use_everywhere(fresh: &Fresh, foreign: Foreign) -> Result<()> {
    registry(fresh)?;
    let url = fresh.url.clone();
    without_a_hang(move || {
        thread::scope(|scope| {
            let url = &*url;
            let places = PLACES.map(|place| scope.spawn(move || use_at(url, foreign, place)));
            for place in places {
                place
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            }
            Ok(())
        })
    })
}

fn use_at(url: &str, foreign: Foreign, place: Place) -> Result<()> {
    let registry = &Registry::builder(url).build()?;
    let begun = Instant::now();
    foreign.with_transaction(registry.default_database(), |tx| {
        // The thread of the place is another one, so that nothing of this thread's environment is used.
        thread::scope(|scope| {
            let work = move |registry: &Registry| {
                let dialect = registry.default_database().dialect();
                use_transaction(tx, (foreign, dialect), place)
            };
            scope
                .spawn(move || place.run(registry, work))
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })?;
    assert!(begun.elapsed() < BOUND, "{place:?} took too long");
    Ok(())
}

/// A statement during which a runtime that drives its socket is asked whether it runs.
fn slow(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "select pg_sleep(0.8)",
        Dialect::Sqlite => "select 1",
        _ => "select sleep(0.8)",
    }
}

fn use_transaction(
    tx: Transaction,
    (foreign, dialect): (Foreign, Dialect),
    place: Place,
) -> Result<()> {
    let is_usable = foreign.is_usable(dialect);
    match run_sync(Author::query().count(&tx)) {
        Ok(count) => assert_eq!(count, 0, "{place:?}"),
        Err(error) => assert!(
            !is_usable && is_out_of_reach(&error),
            "{place:?}: {error:?}"
        ),
    }
    if is_usable {
        run_sync(sql(slow(dialect)).rows(&tx))?;
    }
    match run_sync(tx.rollback()) {
        Err(error) if is_usable || !is_out_of_reach(&error) => Err(error),
        _ => Ok(()),
    }
}

on_every_fresh!(
    a_transaction_of_a_running_runtime_is_used_everywhere,
    |fresh| use_everywhere(fresh, Foreign::Running)
);

on_every_fresh!(
    a_transaction_of_a_thread_that_drives_it_is_used_everywhere,
    |fresh| use_everywhere(fresh, Foreign::DrivenByAnother)
);

on_every_fresh!(
    a_transaction_of_an_undriven_runtime_is_used_everywhere,
    |fresh| use_everywhere(fresh, Foreign::Undriven)
);

on_every_fresh!(
    a_transaction_of_an_ended_runtime_is_used_or_refused_everywhere,
    |fresh| use_everywhere(fresh, Foreign::Ended)
);

on_every_fresh!(
    a_transaction_of_a_blocked_worker_is_used_or_refused_everywhere,
    |fresh| use_everywhere(fresh, Foreign::Blocked)
);

/// A registry with one connection, for which callers wait this long.
fn one_connection(url: &str, acquire_timeout: Duration) -> Result<Registry> {
    let one = Database::builder(url).max_connections(1);
    Registry::builder(one.acquire_timeout(acquire_timeout).build()?).build()
}

on_every_fresh!(a_pool_of_one_is_waited_for_everywhere, |fresh| {
    registry(fresh)?;
    let url = fresh.url.clone();
    without_a_hang(move || {
        let hurried = one_connection(&url, Duration::from_millis(50))?;
        let patient = one_connection(&url, BOUND)?;
        for place in PLACES {
            place.run(&hurried, |registry| {
                let db = registry.default_database();
                let tx = run_sync(begun(db))?;
                let error = run_sync(Author::query().count(db)).unwrap_err();
                assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
                run_sync(tx.rollback())
            })?;
            place.run(&patient, |registry| {
                let db = registry.default_database();
                let tx = run_sync(begun(db))?;
                // It comes back while the next caller waits.
                let given_back = thread::spawn(move || {
                    thread::sleep(Duration::from_millis(20));
                    drop(tx);
                });
                let waited = run_sync(Author::query().count(db)).map(drop);
                given_back.join().unwrap();
                waited
            })?;
        }
        Ok(())
    })
});

/// Inserts a row when it is dropped, and keeps the outcome.
struct InsertsOnDrop(Database, Arc<Mutex<Vec<Result<Author>>>>);

impl Drop for InsertsOnDrop {
    fn drop(&mut self) {
        let outcome = run_sync(author(&self.0, "late"));
        self.1.lock().unwrap().push(outcome);
    }
}

/// Panics in a future that it waits for when it is dropped.
struct PanicsOnDrop(Database);

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        let panicking = self.0.transaction(async |tx| {
            Author::query().count(tx).await?;
            panic!("on purpose")
        });
        let _: Result<()> = run_sync(panicking);
    }
}

on_every_fresh!(a_destructor_may_panic_everywhere, |fresh| {
    let registry = registry(fresh)?;
    without_a_hang(move || {
        for place in PLACES {
            place.run(&registry, |registry| {
                let db = registry.default_database();
                let guard = PanicsOnDrop(db.clone());
                let panicked = catch_unwind(AssertUnwindSafe(|| drop(guard)));
                let panic = panicked.unwrap_err();
                assert_eq!(panic.downcast_ref(), Some(&"on purpose"));
                run_sync(Author::query().count(db)).map(drop)
            })?;
            assert_eq!(registry.default_database().status().in_use, 0, "{place:?}");
        }
        Ok(())
    })
});

on_every_fresh!(
    a_destructor_ends_while_its_runtime_shuts_down_everywhere,
    |fresh| {
        let registry = registry(fresh)?;
        without_a_hang(move || {
            for place in PLACES {
                let begun = Instant::now();
                let outcomes = Arc::default();
                let of_work = Arc::clone(&outcomes);
                place.run(&registry, move |registry| {
                    let guard = InsertsOnDrop(registry.default_database().clone(), of_work);
                    let task = async move {
                        let _guard = guard;
                        std::future::pending::<()>().await;
                    };
                    match Handle::try_current() {
                        Ok(runtime) => drop(runtime.spawn(task)),
                        Err(_) => run_sync(async {
                            tokio::spawn(task);
                            Ok(())
                        })?,
                    }
                    Ok(())
                })?;
                assert!(begun.elapsed() < BOUND, "{place:?} took too long");
                // The runtime has ended or ends, so an error is as good as an answer.
                let outcomes: Vec<_> = outcomes.lock().unwrap().drain(..).collect();
                assert_eq!(outcomes.len(), 1, "{place:?}");
                for outcome in outcomes {
                    if let Err(error) = outcome {
                        assert!(is_out_of_reach(&error), "{place:?}: {error:?}");
                    }
                }
            }
            Ok(())
        })
    }
);
