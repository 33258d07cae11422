//! Transactions that end before their time: by the program's own SQL, by the database, with a statement that was
//! dropped in them.

use estoult::{Database, Dialect, Error, ErrorKind, Result, Schema, batch, insert_all, new, sql};

use super::{names, put};
use crate::support::{
    Backend, Fresh, Listing, cut_after, eventually, on_every_backend, on_every_fresh, runtime,
    schemas::{Author, create_tables},
};

/// Ends the transaction and begins another one.
fn ends_and_begins(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "commit; begin",
        _ => "commit and chain",
    }
}

on_every_backend!(
    what_follows_the_program_s_own_commit_is_refused,
    async |db| {
        create_tables(db).await?;
        let tx = db.begin().await?;
        put(&tx, "before").await?;
        sql("commit").execute(&tx).await?;
        let error = put(&tx, "after").await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Configuration),
            "{error:?}"
        );
        assert_eq!(
            error.message(),
            "use a transaction: the program's own SQL has ended it, so nothing runs in it any more; leave its end to \
             `commit` and `rollback`"
        );
        let error = tx.commit().await.unwrap_err();
        assert!(
            error
                .message()
                .starts_with("commit a transaction: the program's own SQL"),
            "{error}"
        );
        assert_eq!(names(db).await?, ["before"]);
        assert_eq!(db.status().in_use, 0);
        Ok(())
    }
);

on_every_backend!(
    a_transaction_that_took_the_place_of_another_is_rolled_back,
    async |db| {
        create_tables(db).await?;
        let tx = db.begin().await?;
        put(&tx, "before").await?;
        batch(&tx, ends_and_begins(db.dialect())).await?;
        put(&tx, "after").await.unwrap_err();
        tx.rollback().await?;
        put(db, "later").await?;
        assert_eq!(names(db).await?, ["before", "later"]);
        Ok(())
    }
);

on_every_backend!(
    an_end_in_a_nested_transaction_is_noticed_in_the_outer_one,
    async |db| {
        create_tables(db).await?;
        let outcome: Result<()> = db
            .transaction(async |tx| {
                put(tx, "outer").await?;
                let nested = tx.transaction(async |tx| {
                    put(tx, "nested").await?;
                    sql("rollback").execute(tx).await.map(drop)
                });
                nested.await.unwrap_err();
                put(tx, "after").await.unwrap_err();
                Ok(())
            })
            .await;
        outcome.unwrap_err();
        assert!(names(db).await?.is_empty());
        Ok(())
    }
);

on_every_backend!(
    a_statement_that_would_commit_by_itself_is_refused_before_it_is_sent,
    async |db| {
        create_tables(db).await?;
        let tx = db.begin().await?;
        put(&tx, "Kurt").await?;
        let created = sql("create table more (id integer)").execute(&tx).await;
        if db.dialect().features().transactional_ddl {
            created?;
        } else {
            let error = created.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error:?}");
            for script in [
                "select 1; drop table authors",
                "begin",
                "set autocommit = 1",
                "lock tables authors read",
                "unlock tables",
                "analyze table authors",
                "optimize table authors",
                "flush tables",
                "grant select on authors to stranger",
            ] {
                let error = batch(&tx, script).await.unwrap_err();
                assert!(matches!(error.kind(), ErrorKind::Unsupported), "{script}");
            }
            batch(&tx, "create temporary table beside (id integer)").await?;
        }
        tx.rollback().await?;
        assert!(names(db).await?.is_empty());
        sql("select id from more").rows(db).await.unwrap_err();
        Ok(())
    }
);

/// The tables whose second row of a kind makes SQLite roll back the whole transaction, and whether it breaks a
/// constraint.
const ROLLS_BACK: [(&str, bool); 2] = [
    ("create table once (n integer unique on conflict rollback)", true),
    (
        "create table once (n integer);
        create trigger only_once before insert on once when exists (select 1 from once where n = new.n)
        begin select raise(rollback, 'only once'); end",
        false,
    ),
];

#[test]
fn a_conflict_that_rolls_back_everything_ends_the_transaction() {
    for (tables, is_constraint) in ROLLS_BACK {
        crate::support::run(Backend::Sqlite, async |db: &Database| {
            batch(db, tables).await?;
            let add = "insert into once values (:n)";
            for is_given_up in [false, true] {
                let outcome: Result<()> = db
                    .transaction(async |tx| {
                        sql(add).bind("n", 1).execute(tx).await?;
                        let refused = sql(add).bind("n", 1).execute(tx).await;
                        let refused = refused.unwrap_err();
                        let error = sql(add).bind("n", 2).execute(tx).await.unwrap_err();
                        for error in [&refused, &error] {
                            let kind = error.kind();
                            let is_expected = match is_constraint {
                                true => matches!(kind, ErrorKind::Constraint(_)),
                                false => matches!(kind, ErrorKind::Query),
                            };
                            assert!(is_expected, "{error:?}");
                        }
                        assert!(error.message().contains("rolled all of it back"), "{error}");
                        if is_given_up {
                            return Err(error);
                        }
                        Ok(())
                    })
                    .await;
                outcome.unwrap_err();
                let (count,): (i64,) = sql("select count(*) from once").one(db).await?;
                assert_eq!(count, 0);
            }
            Ok(())
        });
    }
}

#[test]
fn a_transaction_in_which_the_disk_was_full_keeps_all_or_nothing() {
    let fresh = Fresh::new(Backend::Sqlite);
    let db = Database::builder(&fresh.url)
        .on_new_connection(async |connection| {
            sql("pragma max_page_count = 24")
                .rows(&connection)
                .await
                .map(drop)
        })
        .build()
        .unwrap();
    let outcome = runtime().block_on(async {
        let lifespan = db.connect().await?;
        let db = &db;
        create_tables(db).await?;
        for is_given_up in [true, false] {
            let outcome: Result<()> = db
                .transaction(async |tx| {
                    put(tx, "before").await?;
                    let error = put(tx, &"x".repeat(500_000)).await.unwrap_err();
                    assert!(error.message().contains("full"), "{error}");
                    let after = put(tx, "after").await;
                    if is_given_up {
                        return Err(Error::custom("given up"));
                    }
                    after.map(drop)
                })
                .await;
            let kept: &[&str] = match &outcome {
                Ok(()) => &["after", "before"],
                Err(_) => &[],
            };
            assert_eq!(names(db).await?, kept, "{outcome:?}");
        }
        lifespan.close().await
    });
    outcome.unwrap();
}

on_every_backend!(
    many_rows_are_inserted_in_the_transaction_that_the_program_has_begun,
    async |db| {
        create_tables(db).await?;
        let pinned = db.pin().await?;
        batch(&pinned, "begin").await?;
        put(&pinned, "one").await?;
        let rows = (0..35_000).map(|number| {
            new!(Author {
                name: number.to_string(),
                email: None
            })
        });
        assert_eq!(insert_all(&pinned, rows).await?, 35_000);
        assert!(pinned.is_in_transaction().await);
        batch(&pinned, "rollback").await?;
        assert_eq!(Author::query().count(db).await?, 0);
        Ok(())
    }
);

on_every_backend!(
    a_transaction_is_not_begun_in_one_of_the_program_s_own,
    async |db| {
        create_tables(db).await?;
        let pinned = db.pin().await?;
        batch(&pinned, "begin").await?;
        put(&pinned, "Kurt").await?;
        let error = pinned.begin().await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Configuration),
            "{error:?}"
        );
        eventually("it is released", async || db.status().in_use == 0).await;
        assert!(names(db).await?.is_empty());
        Ok(())
    }
);

on_every_backend!(
    a_rollback_after_a_dropped_statement_keeps_the_connection,
    async |db| {
        create_tables(db).await?;
        let tx = db.begin().await?;
        put(&tx, "Kurt").await?;
        // A script, since MariaDB closes a connection whose statement was dropped while it was being prepared.
        let slow = batch(&tx, crate::suite::cancel::slow(db.dialect()));
        assert!(cut_after(1, slow).await.is_none());
        tx.rollback().await?;
        let status = db.status();
        assert_eq!((status.open, status.in_use), (1, 0));
        assert!(names(db).await?.is_empty());
        Ok(())
    }
);

/// What tells the connections of a server apart.
async fn connection_id(db: &Database) -> Result<i64> {
    let text = match db.dialect() {
        Dialect::Postgres => "select cast(pg_backend_pid() as bigint)",
        Dialect::Sqlite => "select 1",
        _ => "select cast(connection_id() as signed)",
    };
    sql(text).one::<(i64,)>(db).await.map(|(id,)| id)
}

on_every_fresh!(a_commit_that_is_refused_keeps_the_connection, |fresh| {
    if fresh.backend() == Backend::MySql {
        // It has no constraint that is checked at COMMIT.
        return Ok(());
    }
    let db = Database::builder(&fresh.url).max_connections(1).build()?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        batch(
            &db,
            "create table parents (id integer primary key);
             create table children (parent integer references parents (id) deferrable initially deferred)",
        )
        .await?;
        let id = connection_id(&db).await?;
        for _ in 0..3 {
            let tx = db.begin().await?;
            sql("insert into children values (1)").execute(&tx).await?;
            let error = tx.commit().await.unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::Constraint(_)),
                "{error:?}"
            );
        }
        assert_eq!(connection_id(&db).await?, id);
        let (left,): (i64,) = sql("select count(*) from children").one(&db).await?;
        assert_eq!(left, 0);
        lifespan.close().await
    })
});

on_every_fresh!(
    what_the_program_left_open_reaches_no_other_caller,
    |fresh| {
        let db = Database::builder(&fresh.url).max_connections(1).build()?;
        let witness = fresh.database();
        runtime().block_on(async {
            let lifespan = (db.connect().await?, witness.connect().await?);
            create_tables(&db).await?;
            let texts = [
                "/* x */ begin",
                "-- start\nbegin; delete from authors where id = 0",
                "begin; insert into authors (name) values ('a; rollback; b')",
            ];
            for (number, text) in texts.into_iter().enumerate() {
                let pinned = db.pin().await?;
                batch(&pinned, text).await?;
                drop(pinned);
                let name = format!("later {number}");
                put(&db, &name).await?;
                assert!(names(&witness).await?.contains(&name), "{text}");
            }
            let id = connection_id(&db).await?;
            sql("select ';begin the beguine'").rows(&db).await?;
            assert_eq!(connection_id(&db).await?, id);
            lifespan.0.close().await?;
            lifespan.1.close().await
        })
    }
);

on_every_fresh!(
    a_transaction_begins_on_another_connection_when_one_was_lost,
    |fresh| {
        let db = Database::builder(&fresh.url)
            .ping_after(std::time::Duration::from_secs(600))
            .build()?;
        let listing = Listing::of(fresh)?;
        runtime().block_on(async {
            let lifespan = db.connect().await?;
            create_tables(&db).await?;
            let pinned = (db.pin().await?, db.pin().await?, db.pin().await?);
            drop(pinned);
            listing.kill_all().await?;
            // A session says that it ends when it does.
            eventually("all have ended", async || {
                listing.count().await.unwrap() == 0
            })
            .await;
            db.transaction(async |tx| put(tx, "Kurt").await.map(drop))
                .await?;
            assert_eq!(names(&db).await?, ["Kurt"]);
            lifespan.close().await
        })
    }
);
