//! Prepared statements: they stay bounded in number, and those of a pipeline are answered whatever they weigh.

use std::{collections::HashSet, time::Duration};

use estoult::{Database, ErrorKind, Result, sql};

use super::{on_one_connection, process};
use crate::support::{Backend, cases, run_fresh, runtime, within};

/// How many statements the present session has prepared.
async fn prepared(db: &Database) -> Result<i64> {
    let text = "select count(*) from pg_prepared_statements";
    let (count,) = sql(text).one(db).await?;
    Ok(count)
}

#[test]
fn statements_that_are_evicted_are_closed() {
    on_one_connection("statement_cache_capacity=8", async |db, _| {
        for number in 0..100 {
            let text = format!("select {number} + :a");
            let (sum,): (i32,) = sql(text).bind("a", 1).one(db).await?;
            assert_eq!(sum, number + 1);
        }
        let count = prepared(db).await?;
        assert!(count <= 9, "{count} statements are prepared");
        Ok(())
    });
}

#[test]
fn thousands_of_texts_leave_a_bounded_number_of_statements() {
    on_one_connection("", async |db, _| {
        for number in 0..cases(1500, 20_000) {
            let text = format!("select {number} /* {} */", "x".repeat(1500));
            sql(text).rows(db).await?;
        }
        // Lists of each length are texts of their own, unless they are padded.
        for length in 1..300_i64 {
            let list = sql("select count(*) from generate_series(1, 9) as n where n in (:list)");
            list.bind_list("list", 0..length).rows(db).await?;
        }
        let count = prepared(db).await?;
        assert!(count <= 257, "{count} statements are prepared");
        Ok(())
    });
}

#[test]
fn a_pipeline_of_more_texts_than_are_kept_leaves_no_more() {
    on_one_connection("statement_cache_capacity=8", async |db, _| {
        for round in 0..3 {
            let statements = (0..60).map(|number| {
                let text = format!("select {number} + {round}");
                sql(text).into_rows::<(i32,)>()
            });
            let found = db.pipeline(statements.collect::<Vec<_>>()).await?;
            for (number, rows) in (0..).zip(found) {
                assert_eq!(rows?, [(number + round,)]);
            }
        }
        let count = prepared(db).await?;
        assert!(count <= 9, "{count} statements are prepared");
        Ok(())
    });
}

#[test]
fn equal_texts_of_a_pipeline_are_prepared_once() {
    on_one_connection("", async |db, _| {
        let before = prepared(db).await?;
        for round in 0..2 {
            let statements = (0..50).map(|number| {
                let statement = sql("select cast(:n as bigint) + 1").bind("n", number);
                statement.into_rows::<(i64,)>()
            });
            let found = db.pipeline(statements.collect::<Vec<_>>()).await?;
            for (number, rows) in (0..).zip(found) {
                assert_eq!(rows?, [(number + 1,)], "round {round}");
            }
        }
        assert_eq!(prepared(db).await?, before + 1);
        // One that the server refuses fails each time for the same reason.
        let wrong = || sql("select * from nowhere");
        let (first, second) = db.pipeline((wrong(), wrong())).await?;
        for error in [first.unwrap_err(), second.unwrap_err()] {
            assert_eq!(error.code(), Some("42P01"), "{error:?}");
        }
        assert_eq!(prepared(db).await?, before + 1);
        let tx = db.begin().await?;
        sql("select 1").rows(&tx).await?;
        let (first, second) = tx.pipeline((wrong(), wrong())).await?;
        assert_eq!(first.unwrap_err().code(), Some("42P01"));
        assert_eq!(second.unwrap_err().code(), Some("25P02"));
        tx.rollback().await
    });
}

#[test]
fn what_is_dropped_leaves_no_statement_behind() {
    on_one_connection("statement_cache_capacity=8", async |db, _| {
        for number in 0..60 {
            let statements = (0..20).map(|other| {
                let slow = if other == 10 { ", pg_sleep(600)" } else { "" };
                sql(format!("select {number}, {other}{slow}"))
            });
            let statements = statements.collect::<Vec<_>>();
            let limit = Duration::from_millis(number % 20);
            tokio::time::timeout(limit, db.pipeline(statements))
                .await
                .unwrap_err();
        }
        let count = prepared(db).await?;
        assert!(count <= 9, "{count} statements are prepared");
        Ok(())
    });
}

/// A client that did not read while it writes would wait for a server that waits for its answers to be read.
#[test]
fn a_pipeline_whose_answers_and_questions_fill_all_buffers_ends() {
    on_one_connection("", async |db, _| {
        let count = cases(2500, 200_000);
        let pad = "x".repeat(25_000_000 / count);
        let statements = (0..count).map(|number| {
            let statement =
                sql("select :pad || repeat('x', 3000), :number").bind("pad", pad.as_str());
            statement.bind("number", i64::try_from(number).unwrap())
        });
        let statements = statements.collect::<Vec<_>>();
        let answers = tokio::time::timeout(Duration::from_secs(120), db.pipeline(statements));
        let answers = answers.await.unwrap()?;
        assert_eq!(answers.len(), count);
        for answer in answers {
            answer?;
        }
        Ok(())
    });
}

#[test]
fn a_statement_that_is_larger_than_all_buffers_is_answered() {
    on_one_connection("", async |db, _| {
        let large = "ä".repeat(20_000_000);
        let echo = sql("select :large").bind("large", large.as_str());
        let (read,): (String,) = within("it is answered", echo.one(db)).await?;
        assert!(read == large);
        Ok(())
    });
}

#[test]
fn too_many_parameters_are_refused_before_they_are_sent() {
    on_one_connection("", async |db, _| {
        let before = process(db).await?;
        db.transaction(async |tx| {
            let list = sql("select 1 where 1 in (:list)").bind_list("list", 0..70_000_i64);
            let error = list.rows(tx).await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Decode), "{error:?}");
            assert!(error.message().contains("65 535"), "{error}");
            // The transaction goes on: the server knows nothing of it.
            sql("select 1").rows(tx).await.map(drop)
        })
        .await?;
        assert_eq!(process(db).await?, before);
        Ok(())
    });
}

#[test]
fn a_nul_is_refused_before_it_is_sent() {
    on_one_connection("", async |db, _| {
        let before = process(db).await?;
        let error = sql("select 1 \0").raw().rows(db).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Query), "{error:?}");
        let error = estoult::batch(db, "select 1; \0").await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Query), "{error:?}");
        let error = sql("select :a").bind("a", "\0").rows(db).await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Query | ErrorKind::Decode),
            "{error:?}"
        );
        assert_eq!(process(db).await?, before);
        Ok(())
    });
}

#[test]
fn names_of_the_program_do_not_meet_those_of_estoult() {
    on_one_connection("", async |db, _| {
        let pinned = db.pin().await?;
        for number in 1..20 {
            estoult::batch(&pinned, &format!("prepare s{number} as select 1")).await?;
        }
        for number in 1..20 {
            sql(format!("select {number}")).rows(&pinned).await?;
        }
        Ok(())
    });
}

/// A pooler that the URL does not mention lends the connection of one session to another.
#[test]
fn no_two_sessions_have_a_name_in_common() {
    run_fresh(Backend::Postgres, |fresh| {
        let db = fresh.database();
        runtime().block_on(async {
            let lifespan = db.connect().await?;
            let mut names = HashSet::new();
            let sessions = [db.pin().await?, db.pin().await?, db.pin().await?];
            for session in &sessions {
                sql("select 1 + :a").bind("a", 1).rows(session).await?;
                let prepared = sql("select name from pg_prepared_statements");
                for (name,) in prepared.all::<(String,)>(session).await? {
                    assert!(names.insert(name.clone()), "{name} is used twice");
                }
            }
            assert!(names.len() >= 3, "{names:?}");
            drop(sessions);
            lifespan.close().await
        })
    });
}
