//! Writers wait for their turn in a queue: none is `Busy`, none is carried out after its caller has gone.

use std::{
    fs,
    ops::Range,
    time::{Duration, Instant},
};

use estoult::{Conflict, Database, DatabaseBuilder, ErrorKind, Result, Schema, batch, sql};
use tokio::{runtime::Builder, time::timeout};

use super::{on_file, path, stranger};
use crate::{
    suite::transaction::{names, put},
    support::{
        Backend, Fresh, eventually, run_fresh,
        schemas::{Author, create_tables},
        within,
    },
};

/// Transactions of ten milliseconds each, all at once; gives the longest time that one took.
async fn many_writers(db: &Database, numbers: Range<usize>) -> Result<Duration> {
    let tasks: Vec<_> = numbers
        .map(|number| {
            let db = db.clone();
            tokio::spawn(async move {
                let begun = Instant::now();
                let written = db.transaction(async |tx| {
                    put(tx, &number.to_string()).await?;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    Ok(())
                });
                written.await.map(|()| begun.elapsed())
            })
        })
        .collect();
    let mut longest = Duration::ZERO;
    for task in tasks {
        longest = longest.max(task.await.unwrap()?);
    }
    Ok(longest)
}

#[test]
fn many_writers_are_served_in_turn() {
    for connections in [1, 10, 40] {
        on_file(
            |builder| builder.max_connections(connections),
            async |db, _| {
                create_tables(db).await?;
                let longest = many_writers(db, 0..30).await?;
                assert!(longest < Duration::from_secs(5), "{longest:?}");
                assert_eq!(Author::query().count(db).await?, 30);
                Ok(())
            },
        );
    }
}

#[test]
fn writers_need_no_thread_while_they_wait() {
    run_fresh(Backend::Sqlite, |fresh| {
        let one_thread = Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(1)
            .enable_all()
            .build()
            .unwrap();
        one_thread.block_on(async {
            let db = fresh.database();
            let lifespan = db.connect().await?;
            create_tables(&db).await?;
            for round in 0..3 {
                many_writers(&db, 3 * round..3 * round + 3).await?;
            }
            assert_eq!(Author::query().count(&db).await?, 9);
            lifespan.close().await
        })
    });
}

/// How many of the files of a database and its schemas are open.
pub(super) fn open_files(fresh: &Fresh) -> usize {
    let name = path(fresh).with_extension("").display().to_string();
    let files = fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .flatten();
    files
        .filter(|file| {
            let target = fs::read_link(file.path()).unwrap_or_default();
            target.display().to_string().starts_with(&name)
        })
        .count()
}

fn threads(name: &str) -> usize {
    let threads = fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    threads
        .filter(|thread| {
            let called = fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
            called.trim() == name
        })
        .count()
}

#[test]
fn writers_that_give_up_leave_no_files_no_threads_and_no_rows() {
    const POOL: usize = 10;
    run_fresh(Backend::Sqlite, |fresh| {
        let named = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("gives-up")
            .enable_all()
            .build()
            .unwrap();
        named.block_on(async {
            let db = Database::builder(&fresh.url)
                .max_connections(POOL)
                .acquire_timeout(Duration::from_secs(30))
                .build()?;
            let lifespan = db.connect().await?;
            create_tables(&db).await?;
            let before = threads("gives-up");
            // One lock of the queue, then one of another process.
            for is_stranger in [false, true] {
                let other = stranger(fresh);
                let tx = db.begin().await;
                let held = match is_stranger {
                    false => Some(tx?),
                    true => {
                        tx?.rollback().await?;
                        other.execute_batch("begin immediate").unwrap();
                        None
                    }
                };
                let tasks: Vec<_> = (0..700)
                    .map(|_| {
                        let db = db.clone();
                        tokio::spawn(async move {
                            let limit = Duration::from_millis(20);
                            timeout(limit, put(&db, "late"))
                                .await
                                .is_ok_and(|row| row.is_ok())
                        })
                    })
                    .collect();
                let mut written = 0;
                for task in tasks {
                    written += usize::from(task.await.unwrap());
                }
                assert_eq!(written, 0);
                // Two files a connection and those that all of them share, a thread a connection; the runtime may start
                // a thread while another is about to end.
                let (files, threads) = (open_files(fresh), threads("gives-up") - before);
                assert!(files <= 2 * POOL + 8, "{files} files");
                assert!(threads <= POOL + 5, "{threads} threads");
                match held {
                    Some(tx) => tx.rollback().await?,
                    None => other.execute_batch("rollback").unwrap(),
                }
                eventually("none is in use", async || db.status().in_use == 0).await;
                assert_eq!(Author::query().count(&db).await?, 0);
            }
            lifespan.close().await
        })
    });
}

#[test]
fn a_script_that_is_dropped_ends_and_keeps_nothing() {
    on_file(
        |builder| builder.max_connections(2),
        async |db, _| {
            create_tables(db).await?;
            let inserts = "insert into authors (name) values ('x');".repeat(60_000);
            let script = format!("begin; {inserts} commit");
            let limit = Duration::from_millis(60);
            timeout(limit, batch(db, &script)).await.unwrap_err();
            within("the next one writes", put(db, "next")).await?;
            assert_eq!(names(db).await?, ["next"]);
            Ok(())
        },
    );
}

#[test]
fn one_that_waits_for_another_process_can_be_dropped() {
    on_file(
        |builder| builder.max_connections(1),
        async |db, fresh| {
            create_tables(db).await?;
            let other = stranger(fresh);
            other.execute_batch("begin immediate").unwrap();
            for _ in 0..3 {
                let limit = Duration::from_millis(30);
                timeout(limit, put(db, "dropped")).await.unwrap_err();
                let begun = Instant::now();
                // The only connection is free again long before the lock is.
                assert_eq!(Author::query().count(db).await?, 0);
                assert!(
                    begun.elapsed() < Duration::from_secs(4),
                    "{:?}",
                    begun.elapsed()
                );
            }
            other.execute_batch("rollback").unwrap();
            put(db, "kept").await?;
            assert_eq!(names(db).await?, ["kept"]);
            Ok(())
        },
    );
}

#[test]
fn a_statement_waits_for_the_lock_of_another_process() {
    on_file(
        |builder| builder,
        async |db, fresh| {
            create_tables(db).await?;
            for number in 0..20 {
                let other = stranger(fresh);
                other
                    .execute_batch("begin immediate; insert into authors (name) values ('other')")
                    .unwrap();
                let commits = tokio::task::spawn_blocking(move || {
                    std::thread::sleep(Duration::from_millis(5 + number));
                    other.execute_batch("commit").unwrap();
                });
                put(db, &format!("own {number}")).await?;
                commits.await.unwrap();
            }
            assert_eq!(Author::query().count(db).await?, 40);
            Ok(())
        },
    );
}

#[test]
fn a_turn_that_does_not_come_is_an_error_that_says_why() {
    run_fresh(Backend::Sqlite, |fresh| {
        let db: DatabaseBuilder = Database::builder(format!("{}?busy_timeout=50", fresh.url));
        let db = db.build()?;
        crate::support::runtime().block_on(async {
            let lifespan = db.connect().await?;
            create_tables(&db).await?;
            let tx = db.begin().await?;
            let error = put(&db, "second").await.unwrap_err();
            let is_busy = matches!(error.kind(), ErrorKind::Conflict(Conflict::Busy));
            assert!(is_busy, "{error:?}");
            let words = error
                .message()
                .replace(&path(fresh).display().to_string(), "FILE");
            assert!(
                words.contains("the turn to write did not come within 50ms"),
                "{words}"
            );
            put(&tx, "first").await?;
            tx.commit().await?;
            put(&db, "third").await?;
            lifespan.close().await
        })
    });
}

#[test]
fn two_handles_on_one_file_share_the_queue() {
    on_file(
        |builder| builder,
        async |db, fresh| {
            create_tables(db).await?;
            let second = fresh.database();
            let lifespan = second.connect().await?;
            let (one, two) = tokio::join!(many_writers(db, 0..10), many_writers(&second, 10..20));
            one?;
            two?;
            assert_eq!(Author::query().count(db).await?, 20);
            lifespan.close().await
        },
    );
}

#[test]
fn a_transaction_of_the_programs_own_holds_its_turn() {
    on_file(
        |builder| builder.max_connections(3),
        async |db, _| {
            create_tables(db).await?;
            let pinned = db.pin().await?;
            batch(&pinned, "begin").await?;
            put(&pinned, "one").await?;
            let other = tokio::spawn({
                let db = db.clone();
                async move { put(&db, "three").await }
            });
            tokio::time::sleep(Duration::from_millis(20)).await;
            put(&pinned, "two").await?;
            sql("commit").execute(&pinned).await?;
            other.await.unwrap()?;
            assert_eq!(names(db).await?, ["one", "three", "two"]);
            Ok(())
        },
    );
}
