//! Plans that a change of the schema makes stale, types that are made again, and statements that the program has
//! deallocated.

use estoult::{Conflict, Database, ErrorKind, Result, Schema, batch, insert_all, new, sql};

use super::{on_one_connection, process};

const READ: &str = "select * from things order by 1";

async fn create(db: &Database) -> Result<()> {
    batch(
        db,
        "create table things (id int); insert into things values (1)",
    )
    .await
}

/// Changes the table from another session.
async fn widen(fresh: &crate::support::Fresh, number: usize) -> Result<()> {
    let other = fresh.database();
    let lifespan = other.connect().await?;
    batch(
        &other,
        &format!("alter table things add column c{number} int default {number}"),
    )
    .await?;
    lifespan.close().await
}

#[test]
fn a_plan_that_became_stale_is_made_again() {
    on_one_connection("", async |db, fresh| {
        create(db).await?;
        assert_eq!(sql(READ).all::<(i32,)>(db).await?, [(1,)]);
        widen(fresh, 1).await?;
        assert_eq!(sql(READ).all::<(i32, i32)>(db).await?, [(1, 1)]);
        // The same for a caller that takes no rows.
        sql(READ).execute(db).await?;
        widen(fresh, 2).await?;
        assert_eq!(sql(READ).execute(db).await?, 1);
        widen(fresh, 3).await?;
        let (first, second) = db.pipeline((sql(READ), sql(READ))).await?;
        assert_eq!((first?, second?), (1, 1));
        Ok(())
    });
}

#[test]
fn in_a_transaction_a_stale_plan_is_a_conflict_that_retries_solve() {
    on_one_connection("", async |db, fresh| {
        create(db).await?;
        let before = process(db).await?;
        let read = async |tx: &estoult::Transaction| {
            sql("insert into things values (2)").execute(tx).await?;
            sql(READ).execute(tx).await
        };
        db.transaction(read).await?;
        widen(fresh, 1).await?;
        let error = db.transaction(read).await.unwrap_err();
        let conflict = ErrorKind::Conflict(Conflict::Serialization);
        assert_eq!(*error.kind(), conflict, "{error:?}");
        assert!(error.message().contains("was changed since"), "{error}");
        assert_eq!(db.transaction(read).await?, 3);
        widen(fresh, 2).await?;
        assert_eq!(db.transaction_with().retries(1).run(read).await?, 4);
        assert_eq!(process(db).await?, before);
        Ok(())
    });
}

#[test]
fn the_first_statement_of_a_transaction_begins_it_again() {
    on_one_connection("", async |db, fresh| {
        create(db).await?;
        sql(READ).execute(db).await?;
        widen(fresh, 1).await?;
        let read = db.transaction(async |tx| {
            let rows = sql(READ).all::<(i32, i32)>(tx).await?;
            sql("insert into things values (2)").execute(tx).await?;
            Ok(rows)
        });
        assert_eq!(read.await?, [(1, 1)]);
        assert_eq!(sql(READ).execute(db).await?, 2);
        Ok(())
    });
}

#[test]
fn an_enum_may_be_made_again() {
    on_one_connection("", async |db, fresh| {
        let create = "create type mood as enum ('ok'); create table people (mood mood)";
        let recreate = "drop table people; drop type mood; create type mood as enum ('sad', 'ok'); \
            create table people (mood mood)";
        batch(db, create).await?;
        for _ in 0..3 {
            let insert = sql("insert into people values (:mood)").bind("mood", "ok");
            assert_eq!(insert.execute(db).await?, 1);
            let (mood,): (String,) = sql("select mood from people").one(db).await?;
            assert_eq!(mood, "ok");
            let other = fresh.database();
            let lifespan = other.connect().await?;
            batch(&other, recreate).await?;
            lifespan.close().await?;
        }
        Ok(())
    });
}

#[test]
fn statements_that_the_program_deallocates_are_prepared_again() {
    for script in ["deallocate all", "discard all"] {
        on_one_connection("", async |db, _| {
            create(db).await?;
            let use_all = async || {
                sql(READ).execute(db).await?;
                db.transaction(async |tx| sql(READ).execute(tx).await)
                    .await?;
                let (first, second) = db.pipeline((sql(READ), sql(READ))).await?;
                first.and(second)
            };
            for _ in 0..3 {
                use_all().await?;
                batch(db, script).await?;
                use_all().await?;
                sql(script).execute(db).await?;
            }
            Ok(())
        });
    }
}

#[test]
fn deallocating_in_the_middle_of_a_transaction_does_not_end_it() {
    on_one_connection("", async |db, _| {
        create(db).await?;
        for _ in 0..2 {
            let insert = "insert into things values (2)";
            db.transaction(async |tx| {
                sql(insert).execute(tx).await?;
                sql("deallocate all").execute(tx).await?;
                sql(insert).execute(tx).await?;
                tx.transaction(async |tx| sql(insert).execute(tx).await)
                    .await
            })
            .await?;
        }
        assert_eq!(sql(READ).execute(db).await?, 7);
        Ok(())
    });
}

#[test]
fn deallocating_where_it_does_not_show_costs_no_transaction() {
    on_one_connection("", async |db, _| {
        create(db).await?;
        let hidden = "do $$ begin execute 'deallocate all'; end $$";
        let insert = "insert into things values (2)";
        let work = async |tx: &estoult::Transaction| sql(insert).execute(tx).await;
        db.transaction(work).await?;
        for round in 0..3 {
            batch(db, hidden).await?;
            // BEGIN, the insert and COMMIT are each found missing, one after the other.
            let done = db.transaction_with().retries(5).run(work).await;
            assert_eq!(done?, 1, "round {round}");
        }
        assert_eq!(sql(READ).execute(db).await?, 5);
        let pipeline = async |tx: &estoult::Transaction| {
            let outcomes = tx.pipeline((sql(insert), sql(insert))).await?;
            outcomes.0.and(outcomes.1)
        };
        db.transaction(pipeline).await?;
        batch(db, hidden).await?;
        let done = db.transaction_with().retries(5).run(pipeline).await;
        assert_eq!(done?, 1);
        assert_eq!(sql(READ).execute(db).await?, 9);
        // One that is known to be gone when its transaction is open already.
        let deallocating = async |tx: &estoult::Transaction| {
            batch(tx, hidden).await?;
            pipeline(tx).await
        };
        let error = db.transaction(deallocating).await.unwrap_err();
        let conflict = ErrorKind::Conflict(Conflict::Serialization);
        assert_eq!(*error.kind(), conflict, "{error:?}");
        assert_eq!(db.transaction(pipeline).await?, 1);
        assert_eq!(sql(READ).execute(db).await?, 11);
        Ok(())
    });
}

#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "moods")]
struct Mood {
    id: i64,
    count: i64,
}

#[test]
fn rows_are_copied_whatever_was_deallocated() {
    on_one_connection("", async |db, _| {
        batch(
            db,
            "create table moods (id bigserial primary key, count bigint not null)",
        )
        .await?;
        let rows = || (0..10_500).map(|count| new!(Mood { count: count }));
        let hidden = "do $$ begin execute 'deallocate all'; end $$";
        for _ in 0..3 {
            assert_eq!(insert_all(db, rows()).await?, 10_500);
            batch(db, hidden).await?;
        }
        for _ in 0..2 {
            let work = async |tx: &estoult::Transaction| insert_all(tx, rows()).await;
            let done = db.transaction_with().retries(5).run(work).await;
            assert_eq!(done?, 10_500);
            batch(db, hidden).await?;
        }
        assert_eq!(Mood::query().count(db).await?, 5 * 10_500);
        Ok(())
    });
}

#[test]
fn a_type_is_asked_for_whatever_was_deallocated() {
    on_one_connection("", async |db, _| {
        for name in ["first", "second"] {
            batch(db, &format!("create type {name} as enum ('ok')")).await?;
            let cast = format!("select cast('ok' as {name})");
            let (read,): (String,) = sql(cast).one(db).await?;
            assert_eq!(read, "ok");
            batch(db, "do $$ begin execute 'deallocate all'; end $$").await?;
        }
        Ok(())
    });
}
