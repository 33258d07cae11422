//! On which thread a statement runs, and that its outcome does not depend on it.

use std::thread::{self, ThreadId};

use estoult::{Database, FromRow, Result, Schema, Sql, batch, row::Row, sql};
use tokio::runtime::Builder;

use super::on_file;
use crate::{
    suite::transaction::put,
    support::{
        Backend, run_fresh,
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
    run_fresh(Backend::Sqlite, |fresh| {
        // One thread, so that the caller's own is known.
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let db = fresh.database();
            let lifespan = db.connect().await?;
            batch(
                &db,
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
            sql(many).execute(&db).await?;
            let by_key = sql("select * from things where id = :id").bind("id", 7);
            assert!(runs_here(&db, &by_key).await?);
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
                        .execute(&db)
                        .await?;
                }
                let statement = sql(text);
                if text.contains("name = 'y'") && !is_here {
                    // It changes what it looks for, so one run has to tell.
                    let row = statement.one::<DecodedOn>(&db).await;
                    assert_ne!(row.map(|row| row.0).ok(), Some(thread::current().id()));
                    continue;
                }
                assert_eq!(runs_here(&db, &statement).await?, is_here, "{text}");
            }
            let large = sql("update things set size = :size where id = 7 returning id");
            let large = large.bind("size", vec![0_u8; 500_000]);
            assert!(!runs_here(&db, &large).await?);
            lifespan.close().await
        })
    });
}

#[test]
fn a_changed_schema_is_looked_at_again() {
    run_fresh(Backend::Sqlite, |fresh| {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let db = fresh.database();
            let lifespan = db.connect().await?;
            batch(
                &db,
                "create table logged (id integer primary key, name text)",
            )
            .await?;
            let add = sql("insert into logged (name) values ('x') returning id");
            assert!(runs_here(&db, &add).await?);
            batch(
                &db,
                "create table log (name text);
                 create trigger notes after insert on logged begin
                    insert into log select name from logged; end",
            )
            .await?;
            assert!(!runs_here(&db, &add).await?);
            sql("drop trigger notes").execute(&db).await?;
            assert!(runs_here(&db, &add).await?);
            lifespan.close().await
        })
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
    run_fresh(Backend::Sqlite, |fresh| {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let db = fresh.database();
            let lifespan = db.connect().await?;
            let connection = db.pin().await?;
            let insert = sql("insert into later (id) values (1)");
            insert.clone().execute(&connection).await.unwrap_err();
            // Made on another connection: this one has not seen that its schema changed.
            batch(&db, "create table later (id integer primary key)").await?;
            insert.clone().execute(&connection).await?;
            drop(connection);
            let (rows,): (i64,) = sql("select count(*) from later").one(&db).await?;
            assert_eq!(rows, 1);
            lifespan.close().await
        })
    });
}
