//! On which thread a statement runs, and that its outcome does not depend on it.

use std::{
    thread::{self, ThreadId},
    time::Duration,
};

use estoult::{
    Database, Error, ErrorKind, FromRow, Result, Schema, Sql, batch, row::Row, run_sync_within, sql,
};
use tokio::runtime::Builder;

use super::on_file;
use crate::{
    suite::transaction::put,
    support::{
        Backend, Fresh, run_fresh,
        schemas::{Author, create_tables},
    },
};

/// The thread on which a row is decoded.
struct DecodedOn(ThreadId);

impl FromRow for DecodedOn {
    fn from_row(_: &mut Row<'_>) -> Result<Self> {
        Ok(Self(thread::current().id()))
    }
}

/// Runs a test on a runtime with one thread, so that the caller's own is known.
fn on_caller(test: impl AsyncFnOnce(&Database, &Fresh) -> Result<()>) {
    run_fresh(Backend::Sqlite, |fresh| {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let db = fresh.database();
        runtime.block_on(async {
            let lifespan = db.connect().await?;
            test(&db, fresh).await?;
            lifespan.close().await
        })
    });
}

/// Whether a statement runs on the thread of its caller, once SQLite was asked what it does.
async fn runs_here(db: &Database, statement: &Sql) -> Result<bool> {
    let mut last = false;
    for _ in 0..3 {
        let row = statement.clone().one::<DecodedOn>(db).await?;
        last = row.0 == thread::current().id();
    }
    Ok(last)
}

#[test]
fn short_statements_run_here_and_long_ones_elsewhere() {
    on_caller(async |db, _| {
        batch(
            db,
            "create table things (id integer primary key, name text, size blob);
             create table logged (id integer primary key, name text);
             create table log (name text);
             create trigger notes after insert on logged begin
                insert into log values (new.name); end",
        )
        .await?;
        let many =
            "with recursive n (i) as (select 1 union all select i + 1 from n where i < 20000)
            insert into things (name) select 'name' from n";
        sql(many).execute(db).await?;
        let by_key = sql("select * from things where id = :id").bind("id", 7);
        assert!(runs_here(db, &by_key).await?);
        for (text, is_here) in [
            ("select * from things where id < 3 limit 1", true),
            ("insert into things (name) values ('x') returning id", true),
            (
                "update things set name = 'y' where id = 7 returning id",
                true,
            ),
            ("select count(*) from things", false),
            ("select max(length(name)) from things", false),
            (
                "update things set name = 'z' where name = 'y' returning id",
                false,
            ),
            ("insert into logged (name) values ('x') returning id", false),
            ("select * from things where id = 8", true),
        ] {
            if text.contains("'y' returning") {
                sql("update things set name = 'y' where id < 9")
                    .execute(db)
                    .await?;
            }
            let statement = sql(text);
            if text.contains("name = 'y'") && !is_here {
                // It changes what it looks for, so one run has to tell.
                let row = statement.one::<DecodedOn>(db).await;
                assert_ne!(row.map(|row| row.0).ok(), Some(thread::current().id()));
                continue;
            }
            assert_eq!(runs_here(db, &statement).await?, is_here, "{text}");
        }
        let large = sql("update things set size = :size where id = 7 returning id");
        let large = large.bind("size", vec![0_u8; 500_000]);
        assert!(!runs_here(db, &large).await?);
        Ok(())
    });
}

#[test]
fn a_changed_schema_is_looked_at_again() {
    on_caller(async |db, _| {
        batch(
            db,
            "create table logged (id integer primary key, name text)",
        )
        .await?;
        let add = sql("insert into logged (name) values ('x') returning id");
        assert!(runs_here(db, &add).await?);
        batch(
            db,
            "create table log (name text);
             create trigger notes after insert on logged begin
                insert into log select name from logged; end",
        )
        .await?;
        assert!(!runs_here(db, &add).await?);
        sql("drop trigger notes").execute(db).await?;
        assert!(runs_here(db, &add).await?);
        Ok(())
    });
}

#[test]
fn a_read_that_was_ended_gives_each_row_once() {
    on_file(
        |builder| builder,
        async |db, _| {
            create_tables(db).await?;
            let many =
                "with recursive n (i) as (select 1 union all select i + 1 from n where i < 5000)
                insert into authors (name) select 'author ' || i from n";
            sql(many).execute(db).await?;
            // Lengths around the budget of steps, on a transaction of its own as well.
            for limit in [
                1, 10, 100, 300, 400, 500, 700, 1000, 5000, 10, 1000, 1, 5000,
            ] {
                let query = || Author::query().order_by(Author::id.asc()).limit(limit);
                let found = query().all(db).await?;
                let ids: Vec<_> = found.iter().map(|author| author.id).collect();
                let expected: Vec<_> = (1..=i64::try_from(limit).unwrap()).collect();
                assert_eq!(ids, expected);
                let rows = sql("select id, name from authors where id <= :n")
                    .bind("n", limit.cast_signed());
                assert_eq!(rows.all::<(i64, String)>(db).await?.len(), ids.len());
                let kept = db
                    .transaction(async |tx| {
                        put(tx, "in between").await?;
                        let found = query().all(tx).await?.len();
                        sql("delete from authors where name = 'in between'")
                            .execute(tx)
                            .await?;
                        Ok(found)
                    })
                    .await?;
                assert_eq!(kept, ids.len());
            }
            Ok(())
        },
    );
}

#[test]
fn a_statement_that_did_not_compile_is_asked_about_again() {
    on_caller(async |db, _| {
        let connection = db.pin().await?;
        let insert = sql("insert into later (id) values (1)");
        insert.clone().execute(&connection).await.unwrap_err();
        // Made on another connection: this one has not seen that its schema changed.
        batch(db, "create table later (id integer primary key)").await?;
        insert.clone().execute(&connection).await?;
        drop(connection);
        let (rows,): (i64,) = sql("select count(*) from later").one(db).await?;
        assert_eq!(rows, 1);
        Ok(())
    });
}

/// Numbers that a condition lists, so that its program is long and has no loop.
fn numbers() -> String {
    let numbers: Vec<_> = (0..2700).map(|number| number.to_string()).collect();
    numbers.join(", ")
}

#[test]
fn a_long_write_without_loops_is_carried_out_once() {
    on_caller(async |db, _| {
        let numbers = numbers();
        let table = format!(
            "create table counts (id integer primary key, n integer, k integer check (k + n * 0 in ({numbers})));
             create table indexed (a integer); insert into counts values (1, 0, 7)"
        );
        batch(db, &table).await?;
        for number in 0..60 {
            let index =
                format!("create index i{number} on indexed (a) where a + {number} > {number}");
            batch(db, &index).await?;
        }
        let update = format!("update counts set n = n + 1 where id = 1 and k + 0 in ({numbers})");
        for text in [update.clone(), format!("{update} returning n")] {
            let before: (i64,) = sql("select n from counts").one(db).await?;
            sql(text.as_str()).execute(db).await?;
            sql(text.as_str()).rows(db).await?;
            let tx = db.begin().await?;
            sql(text.as_str()).rows(&tx).await?;
            sql(text.as_str()).execute(&tx).await?;
            tx.commit().await?;
            let tx = db.begin().await?;
            sql(text.as_str()).rows(&tx).await?;
            tx.rollback().await?;
            let after: (i64,) = sql("select n from counts").one(db).await?;
            assert_eq!(after.0, before.0 + 4);
        }
        for count in 1..=20 {
            sql("insert into indexed values (1)").execute(db).await?;
            let (inserted,): (i64,) = sql("select count(*) from indexed").one(db).await?;
            assert_eq!(inserted, count);
        }
        Ok(())
    });
}

/// A row that can't be read, with an error of the kind that SQLite's own time limit has.
struct Refused;

impl FromRow for Refused {
    fn from_row(_: &mut Row<'_>) -> Result<Self> {
        let never = std::future::pending::<Result<()>>();
        run_sync_within(Duration::from_millis(1), never)?;
        Ok(Self)
    }
}

#[test]
fn a_write_whose_row_is_refused_is_not_carried_out_again() {
    on_file(
        |builder| builder,
        async |db, _| {
            create_tables(db).await?;
            let insert = "insert into authors (name) values ('once') returning id";
            for count in 1..=4 {
                let error = sql(insert).one::<Refused>(db).await.err();
                let kind = error.map(|error| error.kind().clone());
                assert!(matches!(kind, Some(ErrorKind::Timeout)), "{kind:?}");
                assert_eq!(Author::query().count(db).await?, count);
            }
            Ok(())
        },
    );
}

/// A row whose reading panics.
struct Panics;

impl FromRow for Panics {
    fn from_row(_: &mut Row<'_>) -> Result<Self> {
        panic!("on purpose")
    }
}

#[test]
fn a_panic_leaves_no_bound_behind() {
    on_file(
        |builder| builder.max_connections(1),
        async |db, _| {
            create_tables(db).await?;
            put(db, "one").await?;
            for _ in 0..3 {
                let db = db.clone();
                let read = async move {
                    let by_key = sql("select id from authors where id = 1");
                    by_key.one::<Panics>(&db).await.map(drop)
                };
                assert!(tokio::spawn(read).await.unwrap_err().is_panic());
            }
            let long =
                "with recursive n (i) as (select 1 union all select i + 1 from n where i < 300000)
            insert into authors (name) select 'many' from n";
            sql(long).execute(db).await?;
            assert_eq!(Author::query().count(db).await?, 300_001);
            Ok(())
        },
    );
}

/// A statement that another process has made long by a trigger.
#[test]
fn a_write_that_became_long_ends_no_transaction() {
    on_caller(async |db, fresh| {
        batch(
            db,
            "create table first (id integer); create table wide (id integer);
             create table big (n integer);
             with recursive n (i) as (select 1 union all select i + 1 from n where i < 30000)
             insert into big select i from n",
        )
        .await?;
        for _ in 0..3 {
            sql("insert into wide values (0)").execute(db).await?;
        }
        sql("delete from wide").execute(db).await?;
        super::stranger(fresh)
            .execute_batch(
                "create trigger loopy after insert on wide begin update big set n = n + 1; end",
            )
            .unwrap();
        for is_kept in [false, true] {
            let outcome: Result<()> = db
                .transaction(async |tx| {
                    sql("insert into first values (1)").execute(tx).await?;
                    sql("insert into wide values (:a)")
                        .bind("a", 7)
                        .execute(tx)
                        .await?;
                    match is_kept {
                        true => Ok(()),
                        false => Err(Error::custom("roll it back")),
                    }
                })
                .await;
            assert_eq!(outcome.is_ok(), is_kept);
            let counts = "select (select count(*) from first), (select count(*) from wide)";
            let (first, wide): (i64, i64) = sql(counts).one(db).await?;
            assert_eq!((first, wide), (i64::from(is_kept), i64::from(is_kept)));
        }
        Ok(())
    });
}

#[test]
fn a_table_that_another_process_changed_has_its_new_columns() {
    on_file(
        |builder| builder,
        async |db, fresh| {
            batch(
                db,
                "create table t (a integer, b integer); insert into t values (1, 2)",
            )
            .await?;
            let all = || sql("select * from t");
            assert_eq!(all().rows(db).await?.columns().len(), 2);
            for (change, columns) in [
                ("alter table t add column c integer default 3", 3),
                ("alter table t drop column a", 2),
            ] {
                super::stranger(fresh).execute_batch(change).unwrap();
                let rows = all().rows(db).await?;
                assert_eq!(rows.columns().len(), columns, "{change}");
                assert!(rows.columns().iter().all(|name| &**name != "?"), "{change}");
            }
            Ok(())
        },
    );
}

#[test]
fn what_changes_no_row_counts_none() {
    on_file(
        |builder| builder.max_connections(1),
        async |db, _| {
            sql("create table t (a integer)").execute(db).await?;
            let many = "insert into t values (1), (2), (3), (4), (5)";
            assert_eq!(sql(many).execute(db).await?, 5);
            for text in [
                "create table u (a integer)",
                "create index i on t (a)",
                "pragma user_version = 3",
                "drop table u",
            ] {
                assert_eq!(sql(text).execute(db).await?, 0, "{text}");
            }
            Ok(())
        },
    );
}
