//! Connections whose runtime is blocked or shuts down while sync code waits: an answer or an error, never a hang.

use std::{
    sync::mpsc::{RecvTimeoutError, sync_channel},
    thread,
    time::Duration,
};

use estoult::{Database, Registry, Result, Schema, run_sync};

use super::{registry, thread_kind::current_thread};
use crate::support::{
    on_every_fresh, runtime,
    schemas::{Author, author},
};

/// Does work on a thread of its own; fails the test when it hangs.
pub(super) fn without_a_hang<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = sync_channel(1);
    let worker = thread::spawn(move || sender.send(work()));
    match receiver.recv_timeout(Duration::from_secs(60)) {
        Ok(outcome) => outcome,
        Err(RecvTimeoutError::Timeout) => panic!("it hangs"),
        Err(RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(worker.join().unwrap_err())
        }
    }
}

on_every_fresh!(
    a_transaction_of_a_blocked_runtime_is_used_by_sync_code,
    |fresh| {
        let registry = registry(fresh)?;
        without_a_hang(move || {
            current_thread().block_on(async {
                let lifespan = registry.connect().await?;
                let db = registry.default_database();
                for _ in 0..5 {
                    let tx = db.begin().await?;
                    assert_eq!(run_sync(Author::query().count(&tx))?, 0);
                    run_sync(tx.rollback())?;
                }
                let outcome = db.transaction(async |tx| {
                    registry.with_async_env(|| run_sync(Author::query().count(tx)))
                });
                assert_eq!(outcome.await?, 0);
                lifespan.close().await
            })
        })
    }
);

on_every_fresh!(
    a_transaction_is_used_by_threads_with_environments_of_their_own,
    |fresh| {
        let registry = registry(fresh)?;
        without_a_hang(move || {
            registry.with_async_env(|| {
                let tx = run_sync(registry.default_database().begin())?;
                thread::scope(|scope| {
                    for _ in 0..4 {
                        scope.spawn(|| {
                            registry
                                .with_async_env(|| run_sync(Author::query().count(&tx)))
                                .unwrap()
                        });
                    }
                });
                run_sync(tx.rollback())
            })
        })
    }
);

/// Uses the database when it is dropped.
pub(super) struct UsesOnDrop(pub(super) Database);

impl Drop for UsesOnDrop {
    fn drop(&mut self) {
        // The runtime shuts down, so an error is as good as an answer.
        let _: Result<Author> = run_sync(author(&self.0, "late"));
    }
}

on_every_fresh!(
    a_destructor_may_wait_while_its_runtime_shuts_down,
    |fresh| {
        let registry: Registry = registry(fresh)?;
        without_a_hang(move || {
            for is_closed in [false, true] {
                let ended = runtime();
                let db = registry.default_database();
                let lifespan = ended.block_on(registry.connect())?;
                let (guard, used) = (UsesOnDrop(db.clone()), db.clone());
                let task = ended.spawn(async move {
                    let _guard = guard;
                    author(&used, "Kurt").await.unwrap();
                    std::future::pending::<()>().await;
                });
                let other = ended.block_on(async { db.pin().await.map(drop) });
                other?;
                if is_closed {
                    ended.block_on(lifespan.close())?;
                } else {
                    drop(lifespan);
                }
                drop(ended);
                drop(task);
            }
            Ok(())
        })
    }
);
