//! What the caller learns of each statement: in a pipeline that is cut short, in a transaction that a statement has
//! aborted, at a COMMIT that the server refuses.

use std::time::{Duration, Instant};

use estoult::{Error, ErrorKind, batch, sql};

use super::on_one_connection;
use crate::support::{eventually, within};

const NAP: &str = "select pg_sleep(600)";
const INSERT: &str = "insert into things values (1)";

#[test]
fn a_pipeline_that_is_late_tells_what_was_committed_before() {
    on_one_connection("", async |db, fresh| {
        batch(db, "create table things (id int)").await?;
        let statements = [INSERT, NAP, INSERT].map(|text| {
            let limit = Duration::from_millis(300);
            sql(text).timeout(limit)
        });
        let outcomes = db.pipeline(Vec::from(statements)).await?;
        assert!(matches!(outcomes[0], Ok(1)), "{outcomes:?}");
        for outcome in &outcomes[1..] {
            let error = outcome.as_ref().unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
            assert!(error.message().contains("is not known"), "{error}");
        }
        let witness = fresh.database();
        let lifespan = witness.connect().await?;
        assert_eq!(sql("select * from things").execute(&witness).await?, 1);
        lifespan.close().await
    });
}

#[test]
fn a_pipeline_that_loses_its_connection_tells_what_was_committed_before() {
    on_one_connection("", async |db, _| {
        batch(db, "create table things (id int)").await?;
        let end = "select pg_terminate_backend(pg_backend_pid())";
        let statements = [INSERT, end, INSERT].map(sql);
        let outcomes = db.pipeline(Vec::from(statements)).await?;
        assert!(matches!(outcomes[0], Ok(1)), "{outcomes:?}");
        for outcome in &outcomes[1..] {
            let error = outcome.as_ref().unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
        }
        assert_eq!(sql("select * from things").execute(db).await?, 1);
        Ok(())
    });
}

#[test]
fn many_different_texts_in_one_pipeline_cost_no_more_each() {
    on_one_connection("", async |db, _| {
        let run = async |count: usize, from: usize| {
            let texts = (from..from + count).map(|number| sql(format!("select {number}")));
            let begun = Instant::now();
            let outcomes = within("they are answered", db.pipeline(texts.collect::<Vec<_>>()));
            assert!(outcomes.await?.iter().all(Result::is_ok));
            Ok::<_, Error>(begun.elapsed())
        };
        let few = run(1000, 0).await?;
        let many = run(20_000, 1000).await?;
        // Twenty times as many; with work for each pair it would be four hundred times as much.
        assert!(many < few * 100, "{few:?} for 1000, {many:?} for 20000");
        Ok(())
    });
}

#[test]
fn a_statement_that_the_session_has_lost_names_the_pooler_s_setting() {
    on_one_connection("", async |db, _| {
        let text = "select :n::int";
        let tx = db.begin().await?;
        for _ in 0..2 {
            sql(text).bind("n", 1).rows(&tx).await?;
        }
        // As another client of a pooler does, unseen.
        let lose = "do $$ begin execute 'deallocate all'; end $$";
        sql(lose).execute(&tx).await?;
        let error = sql(text).bind("n", 1).rows(&tx).await.unwrap_err();
        assert_eq!(error.code(), Some("26000"), "{error:?}");
        assert!(
            error.message().contains("statement_cache_capacity=0"),
            "{error}"
        );
        tx.rollback().await?;
        let pinned = db.pin().await?;
        sql("prepare own as select 1").execute(&pinned).await?;
        let error = sql("prepare own as select 1")
            .execute(&pinned)
            .await
            .unwrap_err();
        assert_eq!(error.code(), Some("42P05"), "{error:?}");
        assert!(
            error.message().contains("statement_cache_capacity=0"),
            "{error}"
        );
        Ok(())
    });
}

#[test]
fn an_aborted_transaction_names_the_statement_that_aborted_it() {
    on_one_connection("", async |db, _| {
        let tx = db.begin().await?;
        // A value that does not fit aborts nothing.
        let error = sql("select 'x'").one::<(i32,)>(&tx).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Decode), "{error:?}");
        sql("select 1").rows(&tx).await?;
        sql("select nothing").rows(&tx).await.unwrap_err();
        let error = sql("select 1").rows(&tx).await.unwrap_err();
        assert_eq!(error.code(), Some("25P02"), "{error:?}");
        assert!(
            error.message().contains("\"nothing\" does not exist"),
            "{error}"
        );
        let error = tx.commit().await.unwrap_err();
        assert!(
            error.message().contains("\"nothing\" does not exist"),
            "{error}"
        );
        // The same in a pipeline.
        let tx = db.begin().await?;
        let statements = ["select 1", "select nothing", "select 1"].map(sql);
        let outcomes = tx.pipeline(Vec::from(statements)).await?;
        let error = outcomes[2].as_ref().unwrap_err();
        assert!(
            error.message().contains("\"nothing\" does not exist"),
            "{error}"
        );
        let error = tx.commit().await.unwrap_err();
        assert!(
            error.message().contains("\"nothing\" does not exist"),
            "{error}"
        );
        Ok(())
    });
}

#[test]
fn a_variable_that_is_refused_is_named_and_its_value_is_not() {
    on_one_connection("", async |db, _| {
        let outcome = db
            .transaction_with()
            .variable("work_mem", "swordfish")
            .run(async |tx| sql("select 1").rows(tx).await.map(drop))
            .await;
        let error = outcome.unwrap_err();
        assert!(
            error.message().contains("set the variable `work_mem`"),
            "{error}"
        );
        assert!(!super::all_words(&error).contains("swordfish"), "{error:?}");
        Ok(())
    });
}

#[test]
fn a_commit_that_the_server_cancels_has_kept_nothing() {
    on_one_connection("", async |db, fresh| {
        batch(
            db,
            "create table things (id int); \
            create function nap() returns trigger language plpgsql as $$ \
            begin perform pg_sleep(600); return null; end $$; \
            create constraint trigger nap after insert on things deferrable initially deferred \
            for each row execute function nap()",
        )
        .await?;
        let witness = fresh.database();
        let lifespan = witness.connect().await?;
        let tx = db.begin().await?;
        sql(INSERT).execute(&tx).await?;
        let cancel = "select pg_cancel_backend(pid) from pg_stat_activity where datname = current_database() \
            and state = 'active' and query = 'commit'";
        let cancelled = eventually("it is cancelled", async || {
            sql(cancel).execute(&witness).await.unwrap() == 1
        });
        let (committed, ()) = tokio::join!(tx.commit(), cancelled);
        let error = committed.unwrap_err();
        assert_eq!(error.code(), Some("57014"), "{error:?}");
        assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
        assert_eq!(sql("select * from things").execute(db).await?, 0);
        lifespan.close().await
    });
}
