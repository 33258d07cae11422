//! Files that are removed or replaced under the pool.

use std::{fs, time::Duration};

use estoult::{Database, Result, Schema, batch, sql};
use tracing::subscriber::with_default;

use super::{on_file, path, stranger};
use crate::{
    suite::transaction::put,
    support::{
        Backend, Capture, Fresh,
        schemas::{Author, create_tables},
    },
};

#[test]
fn a_write_to_a_file_that_is_gone_is_an_error() {
    for is_replaced in [false, true] {
        on_file(
            |builder| builder.max_connections(2).ping_after(Duration::ZERO),
            async |db, fresh| {
                create_tables(db).await?;
                put(db, "kept").await?;
                let file = path(fresh);
                fs::rename(&file, file.with_extension("moved")).unwrap();
                if is_replaced {
                    stranger(fresh)
                        .execute_batch("create table other (id integer)")
                        .unwrap();
                }
                let error = put(db, "lost").await.unwrap_err();
                let reason = match is_replaced {
                    true => "no such table",
                    false => "was removed",
                };
                assert!(error.message().contains(reason), "{error}");
                Ok(())
            },
        );
    }
}

#[test]
fn a_file_that_was_removed_is_not_made_again() {
    let capture = Capture::default();
    let lines = capture.clone();
    with_default(capture, || {
        let fresh = Fresh::new(Backend::Sqlite);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let outcome: Result<()> = runtime.block_on(async {
            let db = Database::builder(&fresh.url).ping_after(Duration::ZERO);
            let db = db.build()?;
            let lifespan = db.connect().await?;
            create_tables(&db).await?;
            put(&db, "kept").await?;
            let file = path(&fresh);
            fs::rename(&file, file.with_extension("moved")).unwrap();
            for _ in 0..3 {
                let error = put(&db, "lost").await.unwrap_err();
                assert!(error.message().contains("was removed"), "{error}");
                assert!(!file.exists());
            }
            fs::rename(file.with_extension("moved"), &file).unwrap();
            put(&db, "again").await?;
            assert_eq!(Author::query().count(&db).await?, 2);
            lifespan.close().await
        });
        outcome.unwrap();
    });
    let lines = lines.lines();
    let is_reported = lines.iter().any(|line| line.contains("was removed"));
    assert!(is_reported, "{lines:?}");
}

/// What a program changes of a connection with its own SQL does not reach the next caller.
#[test]
fn settings_of_the_programs_own_reach_no_other_caller() {
    on_file(
        |builder| {
            builder
                .max_connections(1)
                .on_new_connection(async |connection| {
                    sql("pragma cache_size = 77").execute(&connection).await?;
                    Ok(())
                })
        },
        async |db, _| {
            for script in [
                "pragma foreign_keys = off",
                "create temp table hidden (id integer)",
                "attach ':memory:' as beside",
            ] {
                batch(db, script).await?;
                sql(script).rows(db).await.ok();
                let found: (i64, i64) = sql(
                    "select foreign_keys, cache_size from pragma_foreign_keys, pragma_cache_size",
                )
                .one(db)
                .await?;
                assert_eq!(found, (1, 77), "{script}");
                let (hidden,): (i64,) = sql("select count(*) from sqlite_temp_master")
                    .one(db)
                    .await?;
                let (files,): (i64,) =
                    sql("select count(*) from pragma_database_list where name <> 'temp'")
                        .one(db)
                        .await?;
                assert_eq!((hidden, files), (0, 1), "{script}");
            }
            let pinned = db.pin().await?;
            sql("pragma foreign_keys = off").execute(&pinned).await?;
            let (kept,): (i64,) = sql("select foreign_keys from pragma_foreign_keys")
                .one(&pinned)
                .await?;
            assert_eq!(kept, 0);
            Ok(())
        },
    );
}
