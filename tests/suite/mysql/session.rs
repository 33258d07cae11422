//! Which sessions another caller gets: those that the program's own SQL has left as they were.

use estoult::{Database, ErrorKind, Result, batch, sql};

use crate::support::{Backend, Fresh, run_fresh, runtime, schemas::create_tables};

/// The server's number of the connection that the pool hands out next.
pub(super) async fn connection_id(db: &Database) -> Result<u64> {
    let (id,) = sql("select connection_id()").one::<(u64,)>(db).await?;
    Ok(id)
}

fn on_one_connection(test: impl AsyncFn(&Database) -> Result<()>) {
    run_fresh(Backend::MySql, |fresh: &Fresh| {
        let db = Database::builder(&fresh.url).max_connections(1).build()?;
        runtime().block_on(async {
            let lifespan = db.connect().await?;
            create_tables(&db).await?;
            test(&db).await?;
            lifespan.close().await
        })
    });
}

#[test]
fn a_session_that_is_as_before_is_used_again() {
    on_one_connection(async |db| {
        let id = connection_id(db).await?;
        for text in [
            "select count(*), lower('A'), json_extract('{}', '$.a') from authors",
            "insert into authors (name) values (concat('a', 'b'))",
            "update authors set name = upper(name)",
            "select ';begin the beguine', 'set a'",
            "delete from authors where id in (1, 2)",
            "create table other (id int, name varchar(20))",
            "truncate other",
        ] {
            sql(text).execute(db).await?;
        }
        batch(db, "begin; insert into other (id) values (1); commit").await?;
        sql("insert into nowhere values (1)")
            .execute(db)
            .await
            .unwrap_err();
        assert_eq!(connection_id(db).await?, id);
        Ok(())
    });
}

#[test]
fn a_session_that_was_changed_is_closed() {
    on_one_connection(async |db| {
        batch(db, "create procedure sets() set @seen = 1").await?;
        for text in [
            "set @seen = 1",
            "set sql_mode = ''",
            "set session transaction read only",
            "select @seen := 1",
            "select 1 into @seen",
            "analyze update authors set id = (@seen := 1)",
            "create table seen as values (get_lock('estoult session', 0))",
            "use mysql",
            "call sets()",
            "prepare kept from 'select 1'",
            "create temporary table authors (id int)",
            "select get_lock('estoult session', 0)",
            "lock tables authors read",
            "xa start 'estoult session'",
            "set autocommit = 0",
        ] {
            let id = connection_id(db).await?;
            let pinned = db.pin().await?;
            batch(&pinned, text).await?;
            drop(pinned);
            assert_ne!(connection_id(db).await?, id, "{text}");
        }
        Ok(())
    });
}

#[test]
fn a_packet_that_is_too_large_fails_its_own_statement_only() {
    on_one_connection(async |db| {
        let (most,) = sql("select @@max_allowed_packet").one::<(u64,)>(db).await?;
        let value = "a".repeat(usize::try_from(most).unwrap() + 1);
        let text = "select length(:value)";
        let query = sql(text).bind("value", value);
        let error = query.one::<(i64,)>(db).await.unwrap_err();
        let is_known = matches!(error.kind(), ErrorKind::Query | ErrorKind::Connection);
        assert!(is_known, "{error}");
        connection_id(db).await.map(drop)
    });
}
