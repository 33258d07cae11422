//! What the next caller of a connection meets: nothing that the program's own SQL has left on it, and the connection
//! itself.

use estoult::{
    Database, Result, batch,
    copy::{copy_in, copy_out},
    sql,
};

use super::{on_one_connection, process};

/// The state of the session, as far as SQL can see it.
const STATE: &str = "select current_user || ' ' || session_user || ' ' || current_setting('role') || ' ' \
    || current_setting('search_path') || ' ' || current_setting('timezone') || ' ' \
    || coalesce(current_setting('shop.tenant', true), '') || ' ' || current_setting('transaction_isolation') || ' ' \
    || (select count(*) from pg_listening_channels()) || ' ' \
    || (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) || ' ' \
    || (select count(*) from pg_cursors where name like 'own%') || ' ' \
    || (select count(*) from pg_class where relpersistence = 't' and relname like 'own%')";

async fn state(db: &Database) -> Result<String> {
    let (state,) = sql(STATE).one(db).await?;
    Ok(state)
}

const CHANGES: [&str; 16] = [
    "set role pg_monitor",
    "set session authorization pg_monitor",
    "set search_path to pg_catalog",
    "set time zone 'Asia/Tokyo'",
    "set shop.tenant = '7'",
    "select set_config('shop.tenant', '7', false)",
    "set session characteristics as transaction isolation level serializable",
    "listen own",
    "select pg_advisory_lock(7)",
    "select pg_try_advisory_lock_shared(7)",
    "create temporary table own_table (id int)",
    "create temp sequence own_sequence",
    "select 1 as id into temp own_other",
    "declare own_cursor cursor with hold for select 1",
    "do $$ begin perform set_config('search_path', 'pg_catalog', false); end $$",
    "begin; set role pg_monitor; listen own; set search_path to pg_catalog; commit",
];

#[test]
fn what_own_sql_changes_is_reset_and_the_connection_kept() {
    on_one_connection("", async |db, _| {
        let (before, first) = (state(db).await?, process(db).await?);
        for text in CHANGES {
            batch(db, text).await?;
            assert_eq!(state(db).await?, before, "{text}");
            if !text.contains("; ") {
                sql(text).execute(db).await?;
                assert_eq!(state(db).await?, before, "{text}");
            }
        }
        assert_eq!(process(db).await?, first);
        Ok(())
    });
}

#[test]
fn what_a_definition_changes_is_reset_too() {
    on_one_connection("", async |db, _| {
        let (before, first) = (state(db).await?, process(db).await?);
        for text in [
            "create table plain as values (set_config('shop.tenant', '7', false))",
            "alter table plain alter column1 type text using set_config('shop.tenant', '8', false)",
            "alter table plain add locked text default pg_advisory_lock(7)::text",
            "alter table plain add check (pg_try_advisory_lock(column1::int))",
            "create materialized view seen as select pg_advisory_lock(column1::int)::text from plain",
            "refresh materialized view seen",
            "create table \"pg_temp\".own_table (id int)",
        ] {
            sql(text).execute(db).await?;
            assert_eq!(state(db).await?, before, "{text}");
        }
        assert_eq!(process(db).await?, first);
        Ok(())
    });
}

#[test]
fn what_a_copy_changes_is_reset_too() {
    on_one_connection("", async |db, _| {
        batch(db, "create table plain (id int); create function lock(id int) returns bool language sql as \
            $$ select pg_advisory_lock(id) is not null $$").await?;
        let (before, first) = (state(db).await?, process(db).await?);
        for text in [
            "copy (select set_config('search_path', 'pg_catalog', false)) to stdout",
            "copy (select pg_advisory_lock(7)) to stdout",
            "copy (select 1 / length(pg_advisory_lock(7)::text)) to stdout",
        ] {
            let mut read = Vec::new();
            let _ = copy_out(db, text, &mut read).await;
            assert_eq!(state(db).await?, before, "{text}");
        }
        let text = "copy plain from stdin where lock(id)";
        assert_eq!(copy_in(db, text, "7\n".as_bytes()).await?, 1);
        assert_eq!(state(db).await?, before, "{text}");
        assert_eq!(process(db).await?, first);
        Ok(())
    });
}

#[test]
fn what_a_failed_statement_has_changed_is_reset_too() {
    on_one_connection("", async |db, _| {
        let (before, first) = (state(db).await?, process(db).await?);
        // A lock outlives the failure of the statement that took it.
        let failing = "select 1 / length(pg_advisory_lock(7)::text)";
        for _ in 0..2 {
            sql(failing).rows(db).await.unwrap_err();
            assert_eq!(state(db).await?, before);
            let (failed, other) = db.pipeline((sql(failing), sql("select 1"))).await?;
            assert!(failed.is_err() && other.is_ok());
            assert_eq!(state(db).await?, before);
            let late = sql("select pg_advisory_lock(7), pg_sleep(600)").rows(db);
            let limit = std::time::Duration::from_millis(200);
            tokio::time::timeout(limit, late).await.unwrap_err();
            assert_eq!(state(db).await?, before);
        }
        assert_eq!(process(db).await?, first);
        Ok(())
    });
}

#[test]
fn a_pinned_connection_keeps_what_its_caller_sets() {
    on_one_connection("", async |db, _| {
        let before = state(db).await?;
        let pinned = db.pin().await?;
        batch(
            &pinned,
            "set time zone 'Asia/Tokyo'; create temp table own_table (id int)",
        )
        .await?;
        sql("insert into own_table values (1)")
            .execute(&pinned)
            .await?;
        let (zone,): (String,) = sql("show time zone").one(&pinned).await?;
        assert_eq!(zone, "Asia/Tokyo");
        drop(pinned);
        assert_eq!(state(db).await?, before);
        Ok(())
    });
}

#[test]
fn a_reset_keeps_what_was_prepared_and_what_the_url_sets() {
    let options = "options=-c%20search_path%3Dpg_catalog%20--work_mem%3D7MB";
    on_one_connection(options, async |db, _| {
        let (settings,): (String,) =
            sql("select current_setting('search_path') || current_setting('work_mem')")
                .one(db)
                .await?;
        assert_eq!(settings, "pg_catalog7MB");
        let prepared = "select count(*) from pg_prepared_statements";
        sql("select 1").rows(db).await?;
        let (before,): (i64,) = sql(prepared).one(db).await?;
        batch(db, "set search_path to public; set work_mem = '9MB'").await?;
        let (after,): (i64,) = sql(prepared).one(db).await?;
        assert!(after >= before, "{after} of {before} statements are left");
        let (read,): (String,) =
            sql("select current_setting('search_path') || current_setting('work_mem')")
                .one(db)
                .await?;
        assert_eq!(read, settings);
        Ok(())
    });
}

#[test]
fn a_transaction_of_own_sql_is_ended_on_release() {
    on_one_connection("", async |db, _| {
        batch(db, "create table plain (id int)").await?;
        let first = process(db).await?;
        for begin in [
            "begin; insert into plain values (1)",
            "/* x */ begin; insert into plain values (1)",
            "-- x\nstart transaction; insert into plain values (1)",
            "begin; insert into plain values (1); savepoint a",
            "begin; insert into plain values (1); select 1 / 0",
            "begin; insert into plain values (1); commit and chain; insert into plain values (2)",
        ] {
            let pinned = db.pin().await?;
            let _ = batch(&pinned, begin).await;
            drop(pinned);
            assert_eq!(sql("insert into plain values (3)").execute(db).await?, 1);
            let state =
                "select count(*) filter (where id = 3), count(*) filter (where id = 1) from plain";
            let (later, kept): (i64, i64) = sql(state).one(db).await?;
            assert_eq!(
                (later, kept),
                (1, i64::from(begin.contains("chain"))),
                "{begin}"
            );
            sql("delete from plain").execute(db).await?;
        }
        assert_eq!(process(db).await?, first);
        Ok(())
    });
}
