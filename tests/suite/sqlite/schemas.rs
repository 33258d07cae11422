//! Schemas, each a file of its own: many in turn, several in one transaction, no lock on one that is not used.

use std::time::Duration;

use estoult::{Database, ErrorKind, Result, Schema, batch, sql};

use super::{on_file, path, stranger_on, writer::open_files};
use crate::{
    suite::transaction::put,
    support::{Backend, run_fresh, schemas::Author, within},
};

async fn create(db: &Database, count: usize) -> Result<()> {
    for number in 0..count {
        let name = format!("s{number}");
        db.create_schema(&name).await?;
        let table = "create table {schema}.authors (id integer primary key, name text, email text)";
        batch(&db.using_schema(&name)?, table).await?;
    }
    Ok(())
}

#[test]
fn transactions_in_many_schemas_follow_each_other() {
    on_file(
        |builder| builder.max_connections(1),
        async |db, _| {
            create(db, 25).await?;
            for round in 0..3 {
                for number in 0..25 {
                    let schema = db.using_schema(&format!("s{number}"))?;
                    let name = round.to_string();
                    schema.transaction(async |tx| put(tx, &name).await).await?;
                    assert_eq!(Author::query().count(&schema).await?, round + 1);
                }
            }
            Ok(())
        },
    );
}

/// Some tasks go through a thousand schemas, each a file: those that a connection does not use are let go.
#[test]
fn a_thousand_schemas_are_used_in_turn() {
    const SCHEMAS: usize = 1000;
    const TASKS: usize = 4;

    on_file(
        |builder| builder.max_connections(TASKS),
        async |db, fresh| {
            create(db, SCHEMAS).await?;
            let visit = |task: usize| {
                let db = db.clone();
                tokio::spawn(async move {
                    for number in (task..SCHEMAS).step_by(TASKS) {
                        let schema = db.using_schema(&format!("s{number}"))?;
                        put(&schema, "alone").await?;
                        let within = schema.transaction(async |tx| put(tx, "within").await);
                        within.await?;
                        assert_eq!(Author::query().count(&schema).await?, 2);
                    }
                    Ok::<(), estoult::Error>(())
                })
            };
            for task in [0, 1, 2, 3].map(visit) {
                task.await.unwrap()?;
            }
            // A connection attaches ten at most, each with its log and the index of that; a checkpoint has its own.
            let open = open_files(fresh);
            assert!(open <= (TASKS + 1) * 11 * 3, "{open} open files");
            Ok(())
        },
    );
}

#[test]
fn a_transaction_locks_no_other_schema() {
    on_file(
        |builder| builder,
        async |db, _| {
            create(db, 3).await?;
            batch(
                db,
                "create table authors (id integer primary key, name text, email text)",
            )
            .await?;
            let (first, second) = (db.using_schema("s0")?, db.using_schema("s1")?);
            // Both have been used on the connection that the transaction gets.
            put(&second, "before").await?;
            put(&first, "before").await?;
            let tx = first.begin().await?;
            put(&tx, "within").await?;
            for other in [&second, db] {
                within("another is written", put(other, "beside")).await?;
                let outcome = other.transaction(async |tx| put(tx, "beside").await.map(drop));
                within("another is written in a transaction", outcome).await?;
            }
            let begun = std::time::Instant::now();
            let waits = tokio::spawn({
                let first = first.clone();
                async move { put(&first, "after").await }
            });
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert!(!waits.is_finished(), "{:?}", begun.elapsed());
            tx.commit().await?;
            waits.await.unwrap()?;
            assert_eq!(Author::query().count(&first).await?, 3);
            Ok(())
        },
    );
}

#[test]
fn more_schemas_than_sqlite_attaches_are_refused_in_one_transaction() {
    on_file(
        |builder| builder,
        async |db, _| {
            create(db, 11).await?;
            let tx = db.begin().await?;
            for number in 0..10 {
                let query = Author::query().using_schema(format!("s{number}"));
                assert_eq!(query.count(&tx).await?, 0);
            }
            let error = Author::query()
                .using_schema("s10")
                .count(&tx)
                .await
                .unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error:?}");
            assert_eq!(
                error.message(),
                "use 11 schemas in one transaction: each is a file of its own, and this SQLite attaches at most 10 to \
                 a connection; use fewer, or build the program with LIBSQLITE3_FLAGS=-DSQLITE_MAX_ATTACHED=125 in \
                 its environment, which `[env]` in .cargo/config.toml can set"
            );
            // Nothing was sent, so the transaction goes on.
            assert_eq!(Author::query().using_schema("s3").count(&tx).await?, 0);
            tx.rollback().await?;
            let outside = Author::query().using_schema("s10").count(db).await?;
            assert_eq!(outside, 0);
            Ok(())
        },
    );
}

#[test]
fn a_schema_is_attached_in_the_middle_of_a_transaction() {
    on_file(
        |builder| builder,
        async |db, _| {
            create(db, 2).await?;
            batch(
                db,
                "create table authors (id integer primary key, name text, email text)",
            )
            .await?;
            for is_kept in [true, false] {
                let tx = db.begin().await?;
                put(&tx, "main").await?;
                let add = sql("insert into {schema}.authors (name) values ('s1')");
                add.using_schema("s1").execute(&tx).await?;
                match is_kept {
                    true => tx.commit().await?,
                    false => tx.rollback().await?,
                }
                assert_eq!(Author::query().count(db).await?, 1);
                assert_eq!(Author::query().using_schema("s1").count(db).await?, 1);
            }
            Ok(())
        },
    );
}

#[test]
fn names_that_mean_the_database_itself_are_refused() {
    on_file(
        |builder| builder,
        async |db, _| {
            for name in ["main", "temp", "Main", "TEMP"] {
                for outcome in [
                    db.using_schema(name).map(drop),
                    db.create_schema(name).await,
                ] {
                    let error = outcome.unwrap_err();
                    assert!(
                        matches!(error.kind(), ErrorKind::Configuration),
                        "{error:?}"
                    );
                    assert!(
                        error.message().contains("keeps the name for itself"),
                        "{error}"
                    );
                }
                let scoped = estoult::with_tenant(name, async { Author::query().count(db).await });
                scoped.await.unwrap_err();
            }
            Ok(())
        },
    );
}

/// Another database of the process may have the files of a schema open when it is dropped.
#[test]
fn a_schema_that_another_database_drops_is_let_go() {
    on_file(
        |builder| builder,
        async |db, fresh| {
            create(db, 1).await?;
            let other = Database::builder(&fresh.url).build()?;
            let lifespan = other.connect().await?;
            let (mine, theirs) = (db.using_schema("s0")?, other.using_schema("s0")?);
            put(&mine, "old").await?;
            put(&theirs, "old too").await?;
            db.drop_schema_and_tables("s0").await?;
            create(db, 1).await?;
            put(&theirs, "new").await?;
            assert_eq!(Author::query().count(&mine).await?, 1);
            assert_eq!(Author::query().count(&theirs).await?, 1);
            lifespan.close().await
        },
    );
}

#[test]
fn a_schema_is_not_dropped_under_a_transaction() {
    on_file(
        |builder| builder,
        async |db, fresh| {
            create(db, 1).await?;
            let short = Database::builder(format!("{}?busy_timeout=50", fresh.url)).build()?;
            let lifespan = short.connect().await?;
            let schema = db.using_schema("s0")?;
            let tx = schema.begin().await?;
            put(&tx, "within").await?;
            let error = short.drop_schema_and_tables("s0").await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Conflict(_)), "{error:?}");
            put(&tx, "more").await?;
            tx.commit().await?;
            assert_eq!(Author::query().count(&schema).await?, 2);
            short.drop_schema_and_tables("s0").await?;
            lifespan.close().await
        },
    );
}

/// A connection whose files were being attached is closed: what it has open is not known.
#[test]
fn an_attach_that_is_dropped_spoils_no_connection() {
    run_fresh(Backend::Sqlite, |fresh| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let db = Database::builder(&fresh.url).max_connections(1).build()?;
            let lifespan = db.connect().await?;
            create(&db, 2).await?;
            let schemas = [db.using_schema("s0")?, db.using_schema("s1")?];
            for round in 0..4 {
                put(&schemas[0], "before").await?;
                let busy = || std::thread::sleep(Duration::from_millis(150));
                let busy = tokio::task::spawn_blocking(busy);
                let short = Duration::from_millis(20);
                if round % 2 == 0 {
                    let begun = tokio::time::timeout(short, db.begin()).await;
                    assert!(begun.is_err());
                } else {
                    let counted = Author::query().using_schema("s1");
                    let counted = tokio::time::timeout(short, counted.count(&db)).await;
                    assert!(counted.is_err());
                }
                busy.await.unwrap();
                for schema in &schemas {
                    put(schema, "after").await?;
                }
                db.begin().await?.rollback().await?;
            }
            lifespan.close().await
        })
    });
}

#[test]
fn scripts_take_the_turn_of_their_schema() {
    on_file(
        |builder| builder,
        async |db, _| {
            create(db, 1).await?;
            batch(db, "create table beside (id integer)").await?;
            let schema = db.using_schema("s0")?;
            let script = "insert into {schema}.authors (name) values ('script')";
            let tx = db.begin().await?;
            sql("insert into beside values (1)").execute(&tx).await?;
            within("the script does not wait", batch(&schema, script)).await?;
            tx.commit().await?;
            let tx = schema.begin().await?;
            put(&tx, "first").await?;
            let waits = tokio::spawn({
                let schema = schema.clone();
                async move { batch(&schema, script).await }
            });
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert!(!waits.is_finished());
            batch(&tx, script).await?;
            tx.commit().await?;
            waits.await.unwrap()?;
            assert_eq!(Author::query().count(&schema).await?, 4);
            Ok(())
        },
    );
}

/// A stranger has the lock of a schema's file when a transaction begins in it.
#[test]
fn a_transaction_in_a_schema_waits_for_another_process() {
    on_file(
        |builder| builder,
        async |db, fresh| {
            create(db, 1).await?;
            let schema = db.using_schema("s0")?;
            let file = path(fresh).with_extension("s0.db");
            assert!(file.exists());
            let stranger = stranger_on(&file);
            stranger.execute_batch("begin immediate").unwrap();
            let holding = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(200));
                stranger.execute_batch("commit").unwrap();
            });
            schema
                .transaction(async |tx| put(tx, "within").await)
                .await?;
            holding.join().unwrap();
            assert_eq!(Author::query().count(&schema).await?, 1);
            Ok(())
        },
    );
}

#[test]
fn opening_a_schema_has_the_time_of_its_statement() {
    on_file(
        |builder| builder.statement_timeout(Duration::from_millis(150)),
        async |db, fresh| {
            let before = Database::builder(&fresh.url).build()?;
            let lifespan = before.connect().await?;
            create(&before, 1).await?;
            lifespan.close().await?;
            let stranger = stranger_on(&path(fresh).with_extension("s0.db"));
            stranger
                .execute_batch("pragma journal_mode = delete; begin exclusive")
                .unwrap();
            let begun = std::time::Instant::now();
            let error = Author::query()
                .using_schema("s0")
                .count(db)
                .await
                .unwrap_err();
            assert!(begun.elapsed() < Duration::from_secs(4), "{error:?}");
            stranger.execute_batch("commit").unwrap();
            Ok(())
        },
    );
}
