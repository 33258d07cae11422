//! The server's words: all fields of an error, notices without values, and codes by kind.

use estoult::{ConstraintKind, Database, ErrorKind, batch, sql};
use tokio::runtime::Builder;

use super::{all_words, on_one_connection};
use crate::support::{Backend, Capture, run_fresh};

#[test]
fn all_fields_of_an_error_are_kept() {
    on_one_connection("", async |db, _| {
        let raise = "create function fail() returns void language plpgsql as $$ begin \
            raise exception 'the message' using errcode = 'ES001', detail = 'the detail', hint = 'the hint', \
            schema = 'the schema', table = 'the table', column = 'the column', datatype = 'the type', \
            constraint = 'the constraint'; end $$";
        batch(db, raise).await?;
        let error = sql("select fail()").rows(db).await.unwrap_err();
        let answer = error.database_error().unwrap();
        assert_eq!((answer.code(), answer.message()), ("ES001", "the message"));
        assert_eq!(answer.detail(), Some("the detail"));
        assert_eq!(answer.hint(), Some("the hint"));
        assert_eq!(answer.schema(), Some("the schema"));
        assert_eq!(answer.table(), Some("the table"));
        assert_eq!(answer.column(), Some("the column"));
        assert_eq!(answer.data_type(), Some("the type"));
        assert_eq!(answer.constraint(), Some("the constraint"));
        assert_eq!(answer.severity(), Some("ERROR"));
        assert!(answer.context().unwrap().contains("fail()"), "{answer:?}");
        assert_eq!(answer.routine(), Some("exec_stmt_raise"));
        assert!(answer.source_location().is_some());
        let error = sql("select 1 +").rows(db).await.unwrap_err();
        assert_eq!(error.position(), Some(11));
        let error = sql("select nothing").rows(db).await.unwrap_err();
        assert_eq!((error.code(), error.position()), (Some("42703"), Some(8)));
        Ok(())
    });
}

/// A name in the text is not taken for a value that is equal to it; a value that is looked up as a name is one.
#[test]
fn names_in_the_text_are_kept_and_values_are_not() {
    on_one_connection("", async |db, _| {
        let named = sql("select titel from pg_class where relname = :name");
        let error = named.bind("name", "titel").rows(db).await.unwrap_err();
        assert_eq!(error.message(), r#"column "titel" does not exist"#);
        let looked_up = sql("select cast(cast(:name as text) as regclass)");
        let error = looked_up.bind("name", "titel").rows(db).await.unwrap_err();
        assert_eq!(error.code(), Some("42P01"));
        assert_eq!(error.message(), r#"relation "…" does not exist"#);
        Ok(())
    });
}

/// What is logged while one script and one statement with a value run.
fn logged(script: &str, statement: &str) -> Vec<String> {
    let capture = Capture::of(tracing::Level::DEBUG);
    run_fresh(Backend::Postgres, |fresh| {
        let db = Database::builder(&fresh.url).max_connections(1).build()?;
        // The thread whose events are collected is the one that reads the answers.
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        tracing::subscriber::with_default(capture.clone(), || {
            runtime.block_on(async {
                let lifespan = db.connect().await?;
                batch(&db, script).await?;
                sql(statement)
                    .bind("value", "ada@example.org")
                    .execute(&db)
                    .await?;
                lifespan.close().await
            })
        })
    });
    let lines = capture.lines();
    lines
        .into_iter()
        .filter(|line| line.contains("PostgreSQL"))
        .collect()
}

#[test]
fn notices_are_events_without_bound_values() {
    let script = "create function tell(text) returns void language plpgsql as $$ begin \
        raise notice 'mail to %', $1; raise warning 'careful' using hint = 'look', detail = $1; end $$; \
        drop table if exists nothing";
    let lines = logged(script, "select tell(:value)");
    let has = |text: &str| lines.iter().any(|line| line.contains(text));
    assert!(
        has(r#"table "nothing" does not exist, skipping"#),
        "{lines:?}"
    );
    assert!(has("mail to"), "{lines:?}");
    assert!(has("careful") && has("look"), "{lines:?}");
    assert!(!has("ada@example.org"), "{lines:?}");
}

#[test]
fn notices_of_abandoned_statements_quote_nothing() {
    let capture = Capture::of(tracing::Level::DEBUG);
    run_fresh(Backend::Postgres, |fresh| {
        let db = Database::builder(&fresh.url).max_connections(1).build()?;
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        tracing::subscriber::with_default(capture.clone(), || {
            runtime.block_on(async {
                let lifespan = db.connect().await?;
                let script = "create function tell(text) returns void language plpgsql as $$ begin \
                    perform pg_sleep(600); \
                    exception when query_canceled then raise warning 'mail to %', $1; end $$";
                batch(&db, script).await?;
                let tx = db.begin().await?;
                let tell = sql("select tell(:value)").bind("value", "ada@example.org");
                let limit = std::time::Duration::from_millis(200);
                tokio::time::timeout(limit, tell.rows(&tx))
                    .await
                    .unwrap_err();
                tx.rollback().await?;
                lifespan.close().await
            })
        })
    });
    let lines = capture.lines();
    let has = |text: &str| lines.iter().any(|line| line.contains(text));
    assert!(has("abandoned statement"), "{lines:?}");
    assert!(!has("ada@example.org"), "{lines:?}");
}

#[test]
fn constraints_are_told_apart_and_hold_no_values() {
    on_one_connection("", async |db, _| {
        let script = "create extension if not exists btree_gist; \
            create table parents (id int primary key, name text not null unique check (name <> 'bad')); \
            create table children (id int references parents on delete restrict, during int4range, \
                exclude using gist (during with &&)); \
            insert into parents values (1, 'topsecret'); insert into children values (1, '[1,5)')";
        batch(db, script).await?;
        let broken = [
            (
                "insert into parents values (1, 'other')",
                ConstraintKind::Unique,
            ),
            (
                "insert into parents values (2, 'topsecret')",
                ConstraintKind::Unique,
            ),
            (
                "insert into parents values (3, null)",
                ConstraintKind::NotNull,
            ),
            (
                "insert into parents values (3, 'bad')",
                ConstraintKind::Check,
            ),
            (
                "insert into children values (9)",
                ConstraintKind::ForeignKey,
            ),
            ("delete from parents", ConstraintKind::ForeignKey),
            ("update parents set id = 5", ConstraintKind::ForeignKey),
            (
                "insert into children values (1, '[2,3)')",
                ConstraintKind::Exclusion,
            ),
        ];
        for (text, kind) in broken {
            let error = sql(text).execute(db).await.unwrap_err();
            let found = error.constraint().map(|constraint| constraint.kind);
            assert_eq!(found, Some(kind), "{text}: {error:?}");
            let answer = error.database_error().unwrap();
            let words = format!("{} {:?}", error.message(), answer);
            assert!(!words.contains("topsecret"), "{words}");
        }
        Ok(())
    });
}

#[test]
fn values_that_do_not_fit_are_not_quoted() {
    on_one_connection("", async |db, _| {
        for text in [
            "select cast(:value as integer)",
            "select cast(:value as timestamp)",
            "select cast(:value as uuid)",
            "select cast(:value as jsonb)",
            "select cast(:value as inet)",
            "select cast(:value as boolean)",
            "select to_date(:value, 'YYYY-MM-DD')",
            "select 1 / length(substr(:value, 100))",
        ] {
            let error = sql(text)
                .bind("value", "topsecret value")
                .rows(db)
                .await
                .unwrap_err();
            assert!(!all_words(&error).contains("topsecret"), "{error:?}");
            assert!(error.code().unwrap().starts_with("22"), "{error:?}");
        }
        Ok(())
    });
}

#[test]
fn an_error_of_the_server_leaves_the_connection_in_use() {
    on_one_connection("", async |db, _| {
        let first = super::process(db).await?;
        for text in [
            "select 1 / 0",
            "select nothing",
            "vacuum; select 1",
            "raise",
            "select pg_sleep('x')",
        ] {
            let error = sql(text).rows(db).await.unwrap_err();
            assert!(!matches!(error.kind(), ErrorKind::Connection), "{error:?}");
        }
        assert_eq!(super::process(db).await?, first);
        Ok(())
    });
}
