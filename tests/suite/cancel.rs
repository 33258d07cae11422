//! Futures that are dropped at each await: nothing leaks, and the next user sees no traces.

mod schedule;

use std::time::{Duration, Instant};

use estoult::{Database, DatabaseOptions, Dialect, Result, Schema, new, sql};

use crate::support::{
    Backend, Fresh, cut_after, eventually, on_every_fresh, runtime,
    schemas::{Author, author, book, create_tables},
    within, wrap,
};

/// More polls than any verb takes. A login to PostgreSQL yields hundreds of times while it computes.
const MOST_POLLS: usize = 10_000;

/// The counts of polls after which a future is dropped: each one at first, then ever fewer.
fn cuts() -> impl Iterator<Item = usize> {
    let next = |polls: &usize| Some(polls + 1 + polls / 16);
    std::iter::successors(Some(0), next).take_while(|polls| *polls < MOST_POLLS)
}

/// How a connection is come by.
#[derive(Debug, Clone, Copy)]
enum Way {
    Kept,
    Asked,
    New,
}

impl Way {
    fn options(self) -> DatabaseOptions {
        let mut options = DatabaseOptions::default();
        options.max_connections = 1;
        options.acquire_timeout = Duration::from_secs(15);
        match self {
            Self::Kept => options.ping_after = Duration::from_secs(60),
            Self::Asked => options.ping_after = Duration::ZERO,
            Self::New => options.max_age = Some(Duration::ZERO),
        }
        options
    }
}

/// Cuts a verb on connections that are kept.
fn cut_everywhere(fresh: &Fresh, verb: impl AsyncFn(&Database) -> Result<()>) -> Result<()> {
    cut_in(fresh, &[Way::Kept, Way::Asked], verb)
}

/// Drops the verb after no poll, one poll, two polls and so on until it completes, and checks each time that the
/// database is as before.
fn cut_in(fresh: &Fresh, ways: &[Way], verb: impl AsyncFn(&Database) -> Result<()>) -> Result<()> {
    cut_groups_in(fresh, ways, 2, verb)
}

/// The same for a verb that inserts this many rows `pair` at once.
fn cut_groups_in(
    fresh: &Fresh,
    ways: &[Way],
    size: u64,
    verb: impl AsyncFn(&Database) -> Result<()>,
) -> Result<()> {
    runtime().block_on(async {
        let witness = fresh.database();
        let lifespan = witness.connect().await?;
        create_tables(&witness).await?;
        let kurt = author(&witness, "Kurt").await?;
        book(&witness, &kurt, "Galápagos", 1250).await?;
        for way in ways {
            let builder = Database::builder(&fresh.url).options(way.options());
            let db = builder.build()?;
            let lifespan = db.connect().await?;
            cut_and_look(&db, &witness, size, &verb).await?;
            within("the cut database closes", lifespan.close()).await?;
        }
        lifespan.close().await
    })
}

async fn cut_and_look(
    db: &Database,
    witness: &Database,
    size: u64,
    verb: &impl AsyncFn(&Database) -> Result<()>,
) -> Result<()> {
    for polls in cuts() {
        let done = cut_after(polls, verb(db)).await;
        eventually("no connection is in use", async || {
            let status = db.status();
            (status.in_use, status.waiting) == (0, 0)
        })
        .await;
        let later = author(db, "later").await?;
        // What was inserted afterwards is there for everybody: no forgotten transaction holds it.
        let seen = Author::get(witness, later.id).await?;
        assert_eq!(seen.as_ref(), Some(&later), "after {polls} polls");
        later.delete(db).await?;
        let pairs = Author::query().filter(Author::name.eq("pair".to_owned()));
        let part = pairs.count(witness).await? % size;
        assert_eq!(
            part, 0,
            "after {polls} polls a part of a transaction is there"
        );
        if let Some(outcome) = done {
            return outcome;
        }
    }
    panic!("the verb took more than {MOST_POLLS} polls");
}

async fn pair(tx: &estoult::Transaction) -> Result<()> {
    for _ in 0..2 {
        let half = new!(Author {
            name: "pair".to_owned(),
            email: None
        });
        half.insert(tx).await?;
    }
    Ok(())
}

on_every_fresh!(acquiring_can_be_dropped_anywhere, |fresh| {
    let ways = [Way::Kept, Way::Asked, Way::New];
    cut_in(fresh, &ways, async |db| db.pin().await.map(drop))
});

on_every_fresh!(an_insert_can_be_dropped_anywhere, |fresh| {
    cut_everywhere(fresh, async |db| author(db, "cut").await.map(drop))
});

on_every_fresh!(an_insert_of_many_rows_can_be_dropped_anywhere, |fresh| {
    // More than one INSERT takes: several in a transaction, or a COPY.
    let size = match fresh.backend() {
        Backend::Postgres => 10_500,
        Backend::Sqlite | Backend::MySql => 2500,
    };
    cut_groups_in(fresh, &[Way::Kept, Way::Asked], size, async |db| {
        let row = || {
            new!(Author {
                name: "pair".to_owned(),
                email: None
            })
        };
        let rows: Vec<_> = (0..size).map(|_| row()).collect();
        estoult::insert_all(db, rows).await?;
        sql("delete from authors where name = 'pair'")
            .execute(db)
            .await
            .map(drop)
    })
});

on_every_fresh!(a_begin_can_be_dropped_anywhere, |fresh| {
    let ways = [Way::Kept, Way::Asked, Way::New];
    cut_in(fresh, &ways, async |db| db.begin().await.map(drop))
});

on_every_fresh!(a_begin_with_settings_can_be_dropped_anywhere, |fresh| {
    cut_everywhere(fresh, async |db| {
        let settings = db.transaction_with().read_only();
        let settings = settings.isolation(estoult::Isolation::Serializable);
        settings.begin().await?.commit().await
    })
});

on_every_fresh!(a_commit_can_be_dropped_anywhere, |fresh| {
    cut_everywhere(fresh, async |db| {
        let tx = db.begin().await?;
        pair(&tx).await?;
        tx.commit().await
    })
});

on_every_fresh!(a_rollback_can_be_dropped_anywhere, |fresh| {
    cut_everywhere(fresh, async |db| {
        let tx = db.begin().await?;
        pair(&tx).await?;
        tx.rollback().await
    })
});

on_every_fresh!(a_savepoint_can_be_dropped_anywhere, |fresh| {
    cut_everywhere(fresh, async |db| {
        let tx = db.begin().await?;
        let nested = tx.savepoint().await?;
        pair(&nested).await?;
        drop(nested);
        let nested = tx.savepoint().await?;
        pair(&nested).await?;
        nested.commit().await?;
        tx.commit().await
    })
});

on_every_fresh!(a_transaction_closure_can_be_dropped_anywhere, |fresh| {
    cut_everywhere(fresh, async |db| db.transaction(pair).await)
});

on_every_fresh!(a_preload_can_be_dropped_anywhere, |fresh| {
    cut_everywhere(fresh, async |db| {
        let authors = Author::query().preload(Author::books).all(db).await?;
        assert!(!authors.is_empty());
        Ok(())
    })
});

/// A statement that takes a while.
pub(super) fn slow(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => ENDLESS,
        Dialect::Postgres => "select pg_sleep(5)",
        _ => "select sleep(5)",
    }
}

on_every_fresh!(
    a_statement_of_a_transaction_that_is_dropped_ends_the_transaction,
    |fresh| {
        runtime().block_on(async {
            let db = fresh.database();
            let lifespan = db.connect().await?;
            create_tables(&db).await?;
            let tx = db.begin().await?;
            let row = new!(Author {
                name: "cut".to_owned(),
                email: None
            });
            row.insert(&tx).await?;
            let slow = sql(slow(db.dialect())).execute(&tx);
            assert!(cut_after(1, slow).await.is_none());
            let error = Author::query().count(&tx).await.unwrap_err();
            insta::assert_snapshot!(wrap(error.message()), @r"
            use a connection: an earlier statement on it was abandoned before it ended, so
            its transaction can only be rolled back
            ");
            tx.commit().await.unwrap_err();
            eventually("the connection is given up", async || {
                db.status().in_use == 0
            })
            .await;
            let cut = Author::query().filter(Author::name.eq("cut".to_owned()));
            assert_eq!(cut.count(&db).await?, 0);
            lifespan.close().await
        })
    }
);

on_every_fresh!(closing_can_be_dropped_anywhere, |fresh| {
    runtime().block_on(async {
        for polls in cuts() {
            let (first, second) = (fresh.database(), fresh.database());
            let registry = estoult::Registry::builder(first.clone())
                .extra("second", second.clone())
                .build()?;
            let lifespan = registry.connect().await?;
            let done = cut_after(polls, lifespan.close()).await;
            assert!(!first.is_connected(), "after {polls} polls");
            assert!(!second.is_connected(), "after {polls} polls");
            eventually("all is closed", async || {
                first.status().open + second.status().open == 0
            })
            .await;
            if done.is_some() {
                return Ok(());
            }
        }
        panic!("closing took more than {MOST_POLLS} polls");
    })
});

on_every_fresh!(connecting_can_be_dropped_anywhere, |fresh| {
    runtime().block_on(async {
        let db = fresh.database();
        let registry = estoult::Registry::builder(db.clone())
            .extra("second", fresh.database())
            .build()?;
        for polls in cuts() {
            let done = cut_after(polls, registry.connect()).await;
            let is_done = done.is_some();
            drop(done.transpose()?);
            for database in registry.databases() {
                assert!(!database.is_connected(), "after {polls} polls");
                assert_eq!(database.status().in_use, 0, "after {polls} polls");
            }
            if is_done {
                return Ok(());
            }
        }
        panic!("connecting took more than {MOST_POLLS} polls");
    })
});

/// A statement of SQLite that would never end by itself.
const ENDLESS: &str = "with recursive counter (n) as (select 1 union all select n + 1 from counter) \
                       select max(n) from counter";

#[test]
fn a_dropped_statement_of_sqlite_stops() {
    let runtime = runtime();
    let begun = Instant::now();
    let outcome: Result<()> = runtime.block_on(async {
        let db = Database::builder("sqlite::memory:")
            .max_connections(1)
            .build()?;
        let lifespan = db.connect().await?;
        let endless = sql(ENDLESS).one::<(i64,)>(&db);
        let limit = Duration::from_millis(100);
        tokio::time::timeout(limit, endless).await.unwrap_err();
        let (one,): (i64,) = sql("select 1").one(&db).await?;
        assert_eq!(one, 1);
        lifespan.close().await
    });
    outcome.unwrap();
    // A statement that still ran would keep its thread, and the runtime would wait for it.
    runtime.shutdown_timeout(Duration::from_secs(20));
    assert!(begun.elapsed() < Duration::from_secs(15));
}

#[test]
fn a_dropped_writer_of_sqlite_frees_its_lock() {
    let fresh = Fresh::new(Backend::Sqlite);
    let outcome: Result<()> = runtime().block_on(async {
        let db = fresh.database();
        let lifespan = db.connect().await?;
        create_tables(&db).await?;
        let endless = format!("insert into authors (name) {ENDLESS}");
        let endless = sql(endless).execute(&db);
        let limit = Duration::from_millis(100);
        tokio::time::timeout(limit, endless).await.unwrap_err();
        author(&db, "Kurt").await?;
        assert_eq!(Author::query().count(&db).await?, 1);
        lifespan.close().await
    });
    outcome.unwrap();
}
