//! Transactions that meet: locks, deadlocks, serialization failures, and trying again.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use estoult::{
    Conflict, Database, Dialect, Error, ErrorKind, Isolation, Result, Schema, Transaction, sql,
};
use tokio::sync::Barrier;

use super::put;
use crate::support::{
    Backend, Fresh, on_every_backend, on_every_fresh, runtime,
    schemas::{Author, create_tables},
    within,
};

/// A database whose writers give up at once when a lock is taken.
fn impatient(fresh: &Fresh) -> Result<Database> {
    let url = match fresh.backend() {
        Backend::Sqlite => format!("{}?busy_timeout=1", fresh.url),
        Backend::Postgres | Backend::MySql => fresh.url.clone(),
    };
    Database::builder(url).build()
}

/// Locks the row; a conflict when another transaction has it.
async fn lock(tx: &Transaction, id: i64, dialect: Dialect) -> Result<()> {
    let ending = match dialect {
        Dialect::Sqlite => "",
        _ => " for update nowait",
    };
    let text = format!("select id from authors where id = :id{ending}");
    sql(text).bind("id", id).one::<(i64,)>(tx).await.map(|_| ())
}

on_every_fresh!(
    a_lock_that_stays_taken_is_tried_for_so_often_and_said,
    |fresh| {
        let db = impatient(fresh)?;
        runtime().block_on(async {
            let lifespan = db.connect().await?;
            create_tables(&db).await?;
            let ada = put(&db, "Ada").await?;
            let holder = db.begin().await?;
            ada.change()
                .put(Author::name, "Eve")
                .update(&holder)
                .await?;
            let (dialect, tries) = (db.dialect(), AtomicU32::new(0));
            let error = db
                .transaction_with()
                .retries(2)
                .run(async |tx| {
                    tries.fetch_add(1, Ordering::Relaxed);
                    lock(tx, ada.id, dialect).await
                })
                .await
                .unwrap_err();
            assert_eq!(
                error.kind(),
                &ErrorKind::Conflict(Conflict::Busy),
                "{error}"
            );
            let text = error.message();
            assert!(
                text.starts_with("run a transaction, tried 3 times: "),
                "{text}"
            );
            // SQLite refuses the BEGIN, so the work is never called.
            let expected = if dialect == Dialect::Sqlite { 0 } else { 3 };
            assert_eq!(tries.into_inner(), expected);
            holder.rollback().await?;
            let again = db.transaction_with().retries(2);
            again
                .run(async |tx| lock(tx, ada.id, dialect).await)
                .await?;
            lifespan.close().await
        })
    }
);

on_every_fresh!(a_lock_is_had_by_a_later_try, |fresh| {
    let db = impatient(fresh)?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        create_tables(&db).await?;
        let ada = put(&db, "Ada").await?;
        let holder = db.begin().await?;
        ada.change()
            .put(Author::name, "Eve")
            .update(&holder)
            .await?;
        let dialect = db.dialect();
        let settings = db.transaction_with().retries(100);
        let later = settings.run(async |tx| lock(tx, ada.id, dialect).await);
        let freed = async {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            holder.commit().await
        };
        let (locked, freed) = within(
            "the lock is had",
            Box::pin(async { tokio::join!(later, freed) }),
        )
        .await;
        locked.and(freed)?;
        lifespan.close().await
    })
});

on_every_backend!(other_errors_are_not_tried_again, async |db| {
    create_tables(db).await?;
    let tries = AtomicU32::new(0);
    let settings = db.transaction_with().retries(5);
    let outcome: Result<()> = settings
        .run(async |_| {
            tries.fetch_add(1, Ordering::Relaxed);
            Err(Error::custom("no"))
        })
        .await;
    assert_eq!(outcome.unwrap_err().message(), "no");
    assert_eq!(tries.into_inner(), 1);
    Ok(())
});

on_every_backend!(rivals_at_serializable_lose_no_update, async |db| {
    create_tables(db).await?;
    let counter = put(db, "0").await?;
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                for _ in 0..5 {
                    add_one(&db, counter.id).await?;
                }
                Ok(())
            })
        })
        .collect();
    for task in tasks {
        within("all have counted", task).await.unwrap()?;
    }
    assert_eq!(Author::get(db, counter.id).await?.unwrap().name, "20");
    Ok(())
});

async fn add_one(db: &Database, id: i64) -> Result<()> {
    db.transaction_with()
        .isolation(Isolation::Serializable)
        .retries(100)
        .run(async |tx| {
            let row = Author::get(tx, id).await?.unwrap();
            let next = row.name.parse::<u32>().unwrap() + 1;
            row.change()
                .put(Author::name, next.to_string())
                .update(tx)
                .await?;
            Ok(())
        })
        .await
}

/// Two transactions that lock two rows in opposite order; what each of them met, and how often they were tried.
async fn cross(db: &Database, retries: u32) -> Result<(Vec<Result<()>>, u32)> {
    create_tables(db).await?;
    let ids = [put(db, "Ada").await?.id, put(db, "Kurt").await?.id];
    let (meeting, tries) = (Arc::new(Barrier::new(2)), Arc::new(AtomicU32::new(0)));
    let tasks = [[0, 1], [1, 0]].map(|order| {
        let (db, meeting, tries) = (db.clone(), Arc::clone(&meeting), Arc::clone(&tries));
        tokio::spawn(async move {
            let settings = db.transaction_with().retries(retries);
            settings
                .run(async |tx| {
                    let is_first = tries.fetch_add(1, Ordering::Relaxed) < 2;
                    touch(tx, ids[order[0]]).await?;
                    if is_first {
                        meeting.wait().await;
                    }
                    touch(tx, ids[order[1]]).await
                })
                .await
        })
    });
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(within("the deadlock is solved", task).await.unwrap());
    }
    Ok((outcomes, tries.load(Ordering::Relaxed)))
}

async fn touch(tx: &Transaction, id: i64) -> Result<()> {
    let row = Author::get(tx, id).await?.unwrap();
    let name = format!("{}+", row.name);
    row.change()
        .put(Author::name, name)
        .update(tx)
        .await
        .map(|_| ())
}

fn on_servers(work: impl AsyncFn(Database) -> Result<()>) {
    for backend in [Backend::Postgres, Backend::MySql] {
        let fresh = Fresh::new(backend);
        let db = fresh.database();
        let outcome = runtime().block_on(async {
            let lifespan = db.connect().await?;
            work(db.clone()).await?;
            lifespan.close().await
        });
        outcome.unwrap();
    }
}

#[test]
fn a_deadlock_is_a_conflict_of_one_of_the_two() {
    on_servers(async |db| {
        let (outcomes, _) = cross(&db, 0).await?;
        let errors: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
        let kinds: Vec<_> = errors.iter().map(Error::kind).collect();
        assert_eq!(kinds, [&ErrorKind::Conflict(Conflict::Deadlock)]);
        assert!(
            errors[0].message().to_lowercase().contains("deadlock"),
            "{}",
            errors[0]
        );
        Ok(())
    });
}

#[test]
fn the_victim_of_a_deadlock_is_tried_again() {
    on_servers(async |db| {
        let (outcomes, tries) = cross(&db, 3).await?;
        for outcome in outcomes {
            outcome?;
        }
        assert_eq!(tries, 3);
        let names = super::names(&db).await?;
        assert_eq!(names, ["Ada++", "Kurt++"]);
        Ok(())
    });
}

#[test]
fn a_transaction_that_a_deadlock_ended_takes_no_further_statement() {
    on_servers(async |db| {
        create_tables(&db).await?;
        let ids = [put(&db, "Ada").await?.id, put(&db, "Kurt").await?.id];
        let (left, right) = (db.begin().await?, db.begin().await?);
        touch(&left, ids[0]).await?;
        touch(&right, ids[1]).await?;
        let crossed = async { tokio::join!(touch(&left, ids[1]), touch(&right, ids[0])) };
        let (first, second) = within("the deadlock is solved", Box::pin(crossed)).await;
        let (victim, winner) = if first.is_err() {
            (left, right)
        } else {
            (right, left)
        };
        assert!(first.is_err() != second.is_err());
        // The server has rolled it back; a row put now would stand outside of any transaction.
        put(&victim, "Mary").await.unwrap_err();
        victim.commit().await.unwrap_err();
        winner.commit().await?;
        assert!(!super::names(&db).await?.contains(&"Mary".to_owned()));
        Ok(())
    });
}

#[test]
fn two_writers_of_a_sqlite_file_wait_for_each_other() {
    let fresh = Fresh::new(Backend::Sqlite);
    let db = fresh.database();
    let outcome: Result<()> = runtime().block_on(async {
        let lifespan = db.connect().await?;
        create_tables(&db).await?;
        let counter = put(&db, "0").await?.id;
        let tasks: Vec<_> = (0..2)
            .map(|_| tokio::spawn(count_up(db.clone(), counter)))
            .collect();
        for task in tasks {
            within("both have written", task).await.unwrap()?;
        }
        assert_eq!(Author::get(&db, counter).await?.unwrap().name, "40");
        lifespan.close().await
    });
    outcome.unwrap();
}

/// Reads, then writes: with a plain BEGIN two of these would end in "database is locked" at once.
async fn count_up(db: Database, id: i64) -> Result<()> {
    for _ in 0..20 {
        db.transaction(async |tx| {
            let row = Author::get(tx, id).await?.unwrap();
            let next = row.name.parse::<u32>().unwrap() + 1;
            tokio::task::yield_now().await;
            row.change()
                .put(Author::name, next.to_string())
                .update(tx)
                .await
        })
        .await?;
    }
    Ok(())
}
