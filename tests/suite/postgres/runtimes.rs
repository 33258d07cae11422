//! Sockets that belong to no runtime: one connection used from many, from a runtime that drives no sockets, from none,
//! and in the middle of an answer; plain and over TLS.

use std::{
    future::Future,
    pin::pin,
    sync::LazyLock,
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use estoult::{Database, Error, ErrorKind, Lifespan, Result, sql};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::support::{
    certificates::Certificates,
    cut_after,
    postgres_setup::PostgresSetup,
    runtime,
    servers::{Server, postgres_url},
};

static ENCRYPTED: LazyLock<Server> = LazyLock::new(|| {
    let certificates = Certificates::new();
    let setup = PostgresSetup::default();
    setup.tls(&certificates, &certificates.server()).start()
});

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Runs a test on a database of one connection, plain and over TLS.
fn plain_and_encrypted(test: impl Fn(&Database) -> Result<()>) {
    for url in [postgres_url(), ENCRYPTED.url()] {
        let (db, lifespan) = connected(url, 1);
        test(&db).unwrap();
        runtime().block_on(lifespan.close()).unwrap();
    }
}

fn connected(url: &str, connections: usize) -> (Database, Lifespan) {
    let builder = Database::builder(url)
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(20));
    let db = builder.build().unwrap();
    // On a runtime that ends at once.
    let lifespan = current_thread().block_on(db.connect()).unwrap();
    (db, lifespan)
}

async fn process(db: &Database) -> Result<i32> {
    let (process,) = sql("select pg_backend_pid()").one(db).await?;
    Ok(process)
}

#[test]
fn one_connection_serves_runtimes_that_come_and_go() {
    plain_and_encrypted(|db| {
        let first = current_thread().block_on(process(db))?;
        for number in 0..10 {
            let runtime = if number % 2 == 0 {
                current_thread()
            } else {
                runtime()
            };
            assert_eq!(runtime.block_on(process(db))?, first);
        }
        Ok(())
    });
}

#[test]
fn threads_with_runtimes_of_their_own_share_few_connections() {
    let (db, lifespan) = connected(ENCRYPTED.url(), 3);
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let db = db.clone();
            thread::spawn(move || {
                let runtime = current_thread();
                for number in 0..40_i64 {
                    let asked = thread * 1000 + number;
                    let echo = sql("select :n::bigint").bind("n", asked);
                    let (read,): (i64,) = runtime.block_on(echo.one(&db))?;
                    assert_eq!(read, asked);
                    assert!(db.status().open <= 3);
                }
                Ok::<_, Error>(())
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap().unwrap();
    }
    runtime().block_on(lifespan.close()).unwrap();
}

#[test]
fn a_transaction_moves_between_its_statements() {
    plain_and_encrypted(|db| {
        let runtimes = [runtime(), current_thread(), runtime()];
        let tx = runtimes[0].block_on(db.begin())?;
        for (number, runtime) in (0..).zip(runtimes.iter().cycle().take(9)) {
            let read = sql("select :n::int + pg_backend_pid() * 0").bind("n", number);
            assert_eq!(runtime.block_on(read.one::<(i32,)>(&tx))?, (number,));
        }
        drop(runtimes);
        current_thread().block_on(tx.rollback())
    });
}

#[test]
fn a_socket_moves_in_the_middle_of_an_answer() {
    plain_and_encrypted(|db| {
        let first = current_thread().block_on(process(db))?;
        for polls in [1, 2, 3, 5, 8, 20] {
            let (one, other) = (current_thread(), current_thread());
            let tx = one.block_on(db.begin())?;
            let many = "select repeat('x', 1000) from generate_series(1, 50000)";
            let cut = one.block_on(cut_after(polls, sql(many).rows(&tx)));
            assert!(cut.is_none(), "after {polls} polls");
            drop(one);
            other.block_on(tx.rollback())?;
            assert_eq!(other.block_on(process(db))?, first, "after {polls} polls");
        }
        Ok(())
    });
}

#[test]
fn a_runtime_that_ends_in_the_middle_of_an_answer_leaves_the_connection_usable() {
    plain_and_encrypted(|db| {
        for polls in [1, 2, 4, 9] {
            let ended = current_thread();
            let many = "select repeat('x', 1000) from generate_series(1, 50000)";
            let cut = ended.block_on(cut_after(polls, sql(many).rows(db)));
            assert!(cut.is_none(), "after {polls} polls");
            drop(ended);
            current_thread().block_on(process(db))?;
            assert!(db.status().open <= 1);
        }
        Ok(())
    });
}

/// The settings of a runtime that drives no sockets.
fn without_io() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

#[track_caller]
fn names_enable_io(error: &Error) {
    assert!(
        matches!(error.kind(), ErrorKind::Configuration),
        "{error:?}"
    );
    assert!(error.message().contains("`enable_io`"), "{error}");
}

#[test]
fn a_runtime_without_sockets_is_refused_and_loses_no_connection() {
    plain_and_encrypted(|db| {
        let first = current_thread().block_on(process(db))?;
        // The last time the connection has to be checked before it is handed out.
        for idle in [0, 0, 600] {
            thread::sleep(Duration::from_millis(idle));
            let error = without_io().block_on(process(db)).unwrap_err();
            names_enable_io(&error);
        }
        assert_eq!(current_thread().block_on(process(db))?, first);
        let tx = current_thread().block_on(db.begin())?;
        let refused = without_io().block_on(sql("select 1").rows(&tx));
        names_enable_io(&refused.unwrap_err());
        current_thread().block_on(tx.rollback())?;
        assert_eq!(current_thread().block_on(process(db))?, first);
        Ok(())
    });
}

#[test]
fn a_runtime_without_sockets_opens_no_connection() {
    let db = Database::builder(postgres_url()).build().unwrap();
    let error = without_io().block_on(db.connect()).unwrap_err();
    names_enable_io(&error);
}

/// Polls a future once outside of any runtime.
fn poll_bare<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

#[test]
fn without_a_runtime_there_is_an_error_and_no_loss() {
    plain_and_encrypted(|db| {
        let first = current_thread().block_on(process(db))?;
        for _ in 0..3 {
            let error = poll_bare(process(db)).unwrap().unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::Configuration),
                "{error:?}"
            );
            assert!(error.message().contains("runtime"), "{error}");
        }
        let error = poll_bare(db.begin()).unwrap().unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Configuration),
            "{error:?}"
        );
        assert_eq!(current_thread().block_on(process(db))?, first);
        Ok(())
    });
}

/// Uses this runtime on the present thread, and shuts it down; its handle can still be entered.
fn shut_down(db: &Database) -> Result<Handle> {
    let runtime = runtime();
    let handle = runtime.handle().clone();
    // From now on the thread knows that this runtime drives sockets.
    runtime.block_on(process(db))?;
    runtime.shutdown_timeout(Duration::from_secs(20));
    Ok(handle)
}

#[test]
fn a_socket_that_is_lost_on_its_way_to_another_runtime_is_not_used_again() {
    plain_and_encrypted(|db| {
        // The socket belongs to another runtime when it is to go to the one that was shut down.
        let elsewhere =
            |db: Database| thread::spawn(move || current_thread().block_on(process(&db)));
        let ended = shut_down(db)?;
        elsewhere(db.clone()).join().unwrap()?;
        let entered = ended.enter();
        let error = poll_bare(process(db)).unwrap().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
        drop(entered);
        current_thread().block_on(process(db))?;
        Ok(())
    });
}

#[test]
fn a_commit_that_was_not_sent_is_no_unknown_one() {
    plain_and_encrypted(|db| {
        let ended = shut_down(db)?;
        let begun = db.clone();
        let begun = thread::spawn(move || {
            current_thread().block_on(async {
                let tx = begun.begin().await?;
                sql("select 1").rows(&tx).await?;
                Ok::<_, Error>(tx)
            })
        });
        let tx = begun.join().unwrap()?;
        let entered = ended.enter();
        let error = poll_bare(tx.commit()).unwrap().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
        drop(entered);
        current_thread().block_on(process(db))?;
        Ok(())
    });
}
