//! How transactions end: with an answer of the server that is read to its end, and on the same connection.

use std::time::Duration;

use estoult::{ConstraintKind, Database, ErrorKind, Isolation, Result, batch, sql};

use super::{on_one_connection, process};
use crate::support::{
    fake_postgres::{FakePostgres, command_complete, message, parameter_types, ready},
    runtime,
};

const TABLES: &str = "create table things (id int unique deferrable initially deferred); \
    create table parents (id int primary key); \
    create table children (parent int references parents deferrable initially deferred)";

#[test]
fn a_deferred_constraint_fails_the_statement_that_commits() {
    on_one_connection("", async |db, _| {
        batch(db, TABLES).await?;
        let first = process(db).await?;
        for _ in 0..3 {
            let error = sql("insert into things values (1), (1)")
                .execute(db)
                .await
                .unwrap_err();
            let kind = error.constraint().map(|constraint| constraint.kind);
            assert_eq!(kind, Some(ConstraintKind::Unique), "{error:?}");
            let orphans = db.transaction(async |tx| {
                sql("insert into children values (7)").execute(tx).await?;
                sql("insert into things values (2)").execute(tx).await
            });
            let error = orphans.await.unwrap_err();
            let kind = error.constraint().map(|constraint| constraint.kind);
            assert_eq!(kind, Some(ConstraintKind::ForeignKey), "{error:?}");
            let script = "insert into things values (3), (3)";
            batch(db, script).await.unwrap_err();
            let (first, second) = db
                .pipeline((sql("insert into things values (4), (4)"), sql("select 1")))
                .await?;
            assert!(first.is_err() && second.is_ok());
        }
        let count = "select (select count(*) from things) + (select count(*) from children)";
        assert_eq!(sql(count).one::<(i64,)>(db).await?, (0,));
        assert_eq!(process(db).await?, first);
        Ok(())
    });
}

#[test]
fn a_conflict_at_commit_keeps_the_connection() {
    on_one_connection("", async |db, fresh| {
        batch(
            db,
            "create table sums (id int, value int); insert into sums values (1, 1), (2, 1)",
        )
        .await?;
        let first = process(db).await?;
        let other = fresh.database();
        let lifespan = other.connect().await?;
        let mut conflicts = 0;
        for _ in 0..10 {
            let begin = async |db: &Database| {
                db.transaction_with()
                    .isolation(Isolation::Serializable)
                    .begin()
                    .await
            };
            let skew = async |tx: &estoult::Transaction, id: i32| {
                sql("select sum(value) from sums").rows(tx).await?;
                let update = sql("update sums set value = value + 1 where id = :id");
                update.bind("id", id).execute(tx).await
            };
            let (one, two) = (begin(db).await?, begin(&other).await?);
            skew(&two, 2).await?;
            let written = skew(&one, 1).await;
            two.commit().await?;
            let ended = match written {
                Ok(_) => one.commit().await,
                Err(error) => {
                    one.rollback().await?;
                    Err(error)
                }
            };
            conflicts += usize::from(ended.is_err_and(|error| error.is_conflict()));
        }
        assert!(conflicts > 0);
        assert_eq!(process(db).await?, first);
        lifespan.close().await
    });
}

#[test]
fn swallowed_errors_keep_the_connection_and_no_row() {
    on_one_connection("", async |db, _| {
        batch(db, TABLES).await?;
        let first = process(db).await?;
        for _ in 0..10 {
            let outcome = db.transaction(async |tx| {
                sql("insert into things values (1)").execute(tx).await?;
                let _ = sql("select 1 / 0").rows(tx).await;
                Ok(())
            });
            let error = outcome.await.unwrap_err();
            assert!(error.message().contains("division by zero"), "{error}");
        }
        assert_eq!(sql("select * from things").execute(db).await?, 0);
        assert_eq!(process(db).await?, first);
        Ok(())
    });
}

/// A server that answers each statement as done, but COMMIT with ROLLBACK.
fn forgetful() -> FakePostgres {
    FakePostgres::start(|wire| {
        wire.accept()?;
        let mut status = b'I';
        loop {
            let mut answer = Vec::new();
            for asked in wire.read_until(b'S')? {
                match asked.tag {
                    b'P' => {
                        let text = String::from_utf8_lossy(&asked.body).into_owned();
                        answer.extend(message(b'1', b""));
                        status = if text.contains("commit") { b'I' } else { b'T' };
                    }
                    b'D' => {
                        answer.extend(parameter_types(&[]));
                        answer.extend(message(b'n', b""));
                    }
                    b'B' => answer.extend(message(b'2', b"")),
                    b'E' if status == b'I' => answer.extend(command_complete("ROLLBACK")),
                    b'E' => answer.extend(command_complete("INSERT 0 1")),
                    _ => {}
                }
            }
            answer.extend(ready(status));
            wire.send(&answer)?;
        }
    })
}

#[test]
fn a_commit_that_is_answered_by_rollback_is_an_error() {
    let server = forgetful();
    let db = Database::builder(server.url())
        .max_connections(1)
        .statement_timeout(Duration::from_secs(10))
        .build()
        .unwrap();
    let outcome: Result<()> = runtime().block_on(async {
        let lifespan = db.connect().await?;
        let tx = db.begin().await?;
        sql("insert into things values (1)").execute(&tx).await?;
        let error = tx.commit().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Query), "{error:?}");
        assert!(error.message().contains("rolled it back"), "{error}");
        assert_eq!((db.status().in_use, server.connections()), (0, 1));
        lifespan.close().await
    });
    outcome.unwrap();
}

#[test]
fn what_follows_a_begin_that_fails_does_not_run() {
    on_one_connection("", async |db, _| {
        batch(db, TABLES).await?;
        let insert = || sql("insert into things values (1)");
        let (_, unwritable) = (insert(), sql("select 1 \0").raw());
        let outcome = db.transaction(async |tx| {
            // The statement that BEGIN would travel with can't be sent.
            let (first, second, third) = tx
                .pipeline((unwritable.clone(), insert(), insert()))
                .await?;
            assert!(first.is_err());
            second.and(third)?;
            Err::<(), _>(estoult::Error::custom("given up"))
        });
        let error = outcome.await.unwrap_err();
        assert!(error.message().contains("given up"), "{error:?}");
        assert_eq!(sql("select * from things").execute(db).await?, 0);
        Ok(())
    });
}
