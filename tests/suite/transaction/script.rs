//! Transactions that a program's own SQL begins and leaves open: no other caller ever gets one.

use estoult::{Database, Dialect, Error, ErrorKind, Result, batch, insert_all, new, sql};

use super::{names, put};
use crate::support::{
    Backend, Fresh, on_every_backend, on_every_fresh, runtime,
    schemas::{Author, create_tables},
};

/// Runs SQL that leaves a transaction open on the only connection of a pool, and looks whether a row that is inserted
/// next is there for others.
fn leave_open(fresh: &Fresh, leave: impl AsyncFn(&Database)) -> Result<()> {
    let db = Database::builder(&fresh.url).max_connections(1).build()?;
    let witness = fresh.database();
    runtime().block_on(async {
        let (lifespan, other) = (db.connect().await?, witness.connect().await?);
        create_tables(&db).await?;
        leave(&db).await;
        put(&db, "Kurt").await?;
        assert_eq!(names(&witness).await?, ["Kurt"]);
        lifespan.close().await?;
        assert_eq!(names(&witness).await?, ["Kurt"]);
        other.close().await
    })
}

/// How a transaction is begun, with what a reader of words takes for something else.
const BEGINNINGS: [&str; 4] = [
    "begin",
    "/* app */ begin",
    "-- seed\nbegin",
    "--\n/* it's; */ Begin -- ; commit\n",
];

on_every_fresh!(a_script_that_begins_and_fails_leaves_nothing, |fresh| {
    leave_open(fresh, async |db| {
        for begin in BEGINNINGS {
            let script = format!(
                "{begin}; insert into authors (name) values ('lost'); insert into nowhere (a) values (1); commit"
            );
            batch(db, &script).await.unwrap_err();
        }
    })
});

fn is_configuration(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Configuration)
}

on_every_fresh!(a_transaction_that_no_text_shows_is_an_error, |fresh| {
    leave_open(fresh, async |db| {
        let script = match db.dialect() {
            Dialect::Sqlite => "savepoint a; insert into authors (name) values ('lost')",
            Dialect::Postgres => "-- seed\rbegin; insert into authors (name) values ('lost')",
            _ => {
                "begin not atomic start transaction; insert into authors (name) values ('lost'); end"
            }
        };
        let error = batch(db, script).await.unwrap_err();
        assert!(is_configuration(&error), "{error:?}");
        // What ends in the script is no error.
        batch(
            db,
            "begin; insert into authors (name) values ('Ada'); rollback",
        )
        .await
        .unwrap();
        batch(db, "begin; delete from authors; commit")
            .await
            .unwrap();
    })
});

on_every_fresh!(a_script_that_begins_and_does_not_end_is_refused, |fresh| {
    leave_open(fresh, async |db| {
        for begin in BEGINNINGS {
            let script =
                format!("{begin}; insert into authors (name) values ('lost; rollback; too')");
            let error = batch(db, &script).await.unwrap_err();
            assert!(is_configuration(&error), "{error:?}");
        }
    })
});

on_every_fresh!(a_statement_that_begins_leaves_nothing, |fresh| {
    leave_open(fresh, async |db| {
        for begin in BEGINNINGS {
            let error = sql(begin).execute(db).await.unwrap_err();
            assert!(is_configuration(&error), "{error:?}");
            let insert = "insert into authors (name) values ('lost')";
            let error = db.pipeline((sql(begin), sql(insert))).await.unwrap_err();
            assert!(is_configuration(&error), "{error:?}");
        }
    })
});

on_every_fresh!(what_a_server_reads_in_its_own_way_leaves_nothing, |fresh| {
    // PostgreSQL and SQLite refuse some of them, or run them as plain statements; none may keep a transaction open.
    let scripts: &[&str] = match fresh.backend() {
        Backend::MySql => &[
            "begin; insert into authors (name) values ('lost'); /*!99999 rollback */",
            "begin; insert into authors (name) values ('lost'); rollback and chain no release",
            "begin; insert into authors (name) values ('lost'); rollback /*M! and chain */",
            "/*M! begin */; insert into authors (name) values ('lost')",
            "set sql_mode = 'NO_BACKSLASH_ESCAPES'; select 'C:\\'; begin; select 'x'",
            "/*! select '*/', 1 */; begin",
            "set `autocommit` = 0",
            "set autocommit = 1 - 1",
            "begin not atomic start transaction; end",
            "if 1 then start transaction; end if",
            "set statement max_statement_time = 10 for begin",
            "execute immediate 'begin'",
        ],
        Backend::Postgres => &["-- seed\rbegin; select 1"],
        Backend::Sqlite => &["savepoint a", "begin; select 'C:\\'; --'"],
    };
    leave_open(fresh, async |db| {
        for script in scripts {
            // Where a server does not know the syntax, it refuses the script, which may have begun all the same.
            let _ = batch(db, script).await;
        }
    })
});

on_every_fresh!(
    many_rows_join_the_transaction_of_a_pinned_connection,
    |fresh| {
        let (db, witness) = (fresh.database(), fresh.database());
        runtime().block_on(async {
            let (lifespan, other) = (db.connect().await?, witness.connect().await?);
            create_tables(&db).await?;
            let pinned = db.pin().await?;
            sql("begin").execute(&pinned).await?;
            // More rows than one statement takes, on each database.
            let authors = (0..12_000).map(|number: u32| {
                let name = number.to_string();
                new!(Author { name, email: None })
            });
            assert_eq!(insert_all(&pinned, authors).await?, 12_000);
            assert!(pinned.is_in_transaction().await);
            sql("rollback").execute(&pinned).await?;
            assert_eq!(names(&witness).await?, [""; 0]);
            drop(pinned);
            lifespan.close().await?;
            other.close().await
        })
    }
);

on_every_fresh!(
    a_pinned_connection_is_dropped_with_its_transaction,
    |fresh| {
        leave_open(fresh, async |db| {
            for begin in BEGINNINGS {
                let pinned = db.pin().await.unwrap();
                sql(begin).execute(&pinned).await.unwrap();
                put(&pinned, "lost").await.unwrap();
                assert!(pinned.is_in_transaction().await);
                let script = "insert into nowhere (a) values (1); commit";
                batch(&pinned, script).await.unwrap_err();
                assert!(pinned.is_in_transaction().await);
            }
        })
    }
);

on_every_fresh!(switching_autocommit_off_leaves_nothing, |fresh| {
    leave_open(fresh, async |db| {
        for switch in [
            "set autocommit = 0",
            "/* app */ set @@session.autocommit := off",
            "set names utf8mb4, autocommit = 0",
        ] {
            let outcome = sql(switch).execute(db).await;
            assert!(outcome.is_err(), "{switch}");
            put(db, "Ada").await.unwrap();
            sql("delete from authors").execute(db).await.unwrap();
            let script = format!("{switch}; insert into authors (name) values ('lost')");
            let outcome = batch(db, &script).await;
            assert!(outcome.is_err(), "{switch}");
        }
    })
});

on_every_fresh!(autocommit_is_off_until_it_is_switched_on, |fresh| {
    let is_known = fresh.backend() == Backend::MySql;
    let db = fresh.database();
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        let pinned = db.pin().await?;
        for (script, is_open) in [
            ("set autocommit = 0", true),
            ("commit", true),
            ("create temporary table a (b int)", true),
            ("set autocommit = 1", false),
            ("begin", true),
            ("create table b (c int)", false),
        ] {
            if is_known {
                batch(&pinned, script).await?;
            } else if script.starts_with("set") {
                batch(&pinned, script).await.unwrap_err();
            }
            let is_in_transaction = pinned.is_in_transaction().await;
            assert_eq!(is_in_transaction, is_open && is_known, "{script}");
        }
        drop(pinned);
        lifespan.close().await
    })
});

on_every_fresh!(a_connection_is_kept_when_nothing_is_open, |fresh| {
    let db = Database::builder(&fresh.url).max_connections(1).build()?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        create_tables(&db).await?;
        for script in [
            "select ';begin the beguine'",
            "-- begin",
            "begin; insert into authors (name) values ('a'); rollback",
            "/* app */ begin; select 'commit;'; /* done */ commit",
        ] {
            batch(&db, script).await?;
            assert_eq!(db.status().open, 1, "{script}");
        }
        assert!(names(&db).await?.is_empty());
        lifespan.close().await
    })
});

on_every_backend!(
    a_pinned_connection_tells_whether_a_transaction_was_begun_on_it,
    async |db: &Database| {
        let pinned = db.pin().await?;
        assert!(!pinned.is_in_transaction().await);
        sql("begin").raw().rows(&pinned).await?;
        assert!(pinned.is_in_transaction().await);
        sql("rollback").raw().rows(&pinned).await?;
        assert!(!pinned.is_in_transaction().await);
        Ok(())
    }
);
