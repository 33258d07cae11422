//! Round trips, counted by a relay before the server: what travels together.

use std::time::Duration;

use estoult::{Database, Decimal, Result, Schema, insert_all, new, sql};

use crate::support::{
    Backend, Fresh,
    relay::Relay,
    run_fresh, runtime,
    schemas::{Author, Book, author, create_tables},
};

/// A database behind a relay.
struct Counted<'c> {
    db: &'c Database,
    relay: &'c Relay,
}

impl Counted<'_> {
    /// How many round trips this takes.
    async fn trips(&self, work: impl AsyncFnOnce(&Database) -> Result<()>) -> Result<usize> {
        let before = self.relay.round_trips();
        work(self.db).await?;
        Ok(self.relay.round_trips() - before)
    }
}

/// Runs a test on one connection that has run something already.
fn counted(test: impl AsyncFnOnce(&Counted<'_>) -> Result<()>) {
    run_fresh(Backend::Postgres, |fresh: &Fresh| {
        let relay = Relay::new(&fresh.url, Duration::from_millis(1));
        // A connection that was idle for long would be asked first.
        let db = Database::builder(relay.url())
            .max_connections(1)
            .ping_after(Duration::from_secs(60))
            .build()?;
        runtime().block_on(async {
            let lifespan = db.connect().await?;
            create_tables(&db).await?;
            let (db, relay) = (&db, &relay);
            test(&Counted { db, relay }).await?;
            lifespan.close().await
        })
    });
}

const INSERT: &str = "insert into authors (name) values (:name)";

#[test]
fn a_statement_takes_one_also_at_its_first_use() {
    counted(async |counted| {
        for _ in 0..2 {
            let all = async |db: &Database| Author::query().all(db).await.map(drop);
            assert_eq!(counted.trips(all).await?, 1);
            let raw = async |db: &Database| {
                let raw = sql("select :a || :b, left(:a, :n), cast(:d as text)");
                let raw = raw
                    .bind("a", "x")
                    .bind("b", "y")
                    .bind("n", 1)
                    .bind("d", 1.5);
                raw.one::<(String, String, String)>(db).await.map(drop)
            };
            assert_eq!(counted.trips(raw).await?, 1);
            let write = async |db: &Database| author(db, "Kurt").await.map(drop);
            assert_eq!(counted.trips(write).await?, 1);
        }
        Ok(())
    });
}

#[test]
fn a_transaction_takes_one_for_each_statement_and_one_for_its_end() {
    counted(async |counted| {
        for writes in [1, 2, 5] {
            let transaction = async |db: &Database| {
                db.transaction(async |tx| {
                    for _ in 0..writes {
                        sql(INSERT).bind("name", "a").execute(tx).await?;
                    }
                    Ok(())
                })
                .await
            };
            assert_eq!(counted.trips(transaction).await?, writes + 1);
        }
        let nothing = async |db: &Database| db.transaction(async |_| Ok(())).await;
        assert_eq!(counted.trips(nothing).await?, 0);
        let dropped = async |db: &Database| db.begin().await.map(drop);
        assert_eq!(counted.trips(dropped).await?, 0);
        Ok(())
    });
}

#[test]
fn a_savepoint_travels_with_its_first_statement() {
    counted(async |counted| {
        let nested = async |db: &Database| {
            db.transaction(async |tx| {
                tx.transaction(async |tx| sql(INSERT).bind("name", "a").execute(tx).await)
                    .await?;
                Ok(())
            })
            .await
        };
        // The insert, the release and the commit.
        assert_eq!(counted.trips(nested).await?, 3);
        let empty = async |db: &Database| {
            db.transaction(async |tx| {
                tx.transaction(async |_| Ok(())).await?;
                sql(INSERT).bind("name", "a").execute(tx).await.map(drop)
            })
            .await
        };
        assert_eq!(counted.trips(empty).await?, 2);
        Ok(())
    });
}

#[test]
fn a_pipeline_of_twenty_reads_takes_one() {
    counted(async |counted| {
        for _ in 0..2 {
            let pipeline = async |db: &Database| {
                let queries = (0..20).map(|id| Author::query().filter(Author::id.eq(id)));
                let found = db.pipeline(queries.collect::<Vec<_>>()).await?;
                assert!(found.into_iter().all(|found| found.is_ok()));
                Ok(())
            };
            assert_eq!(counted.trips(pipeline).await?, 1);
        }
        Ok(())
    });
}

#[test]
fn a_thousand_rows_take_one() {
    counted(async |counted| {
        let author = author(counted.db, "Kurt").await?;
        for _ in 0..2 {
            let bulk = async |db: &Database| {
                let row = |number: i64| {
                    new!(Book {
                        author_id: author.id,
                        title: format!("book {number}"),
                        price: Decimal::new(number, 2),
                        published: true,
                    })
                };
                insert_all(db, (0..1000).map(row)).await.map(drop)
            };
            assert_eq!(counted.trips(bulk).await?, 1);
        }
        assert_eq!(Book::query().count(counted.db).await?, 2000);
        Ok(())
    });
}

#[test]
fn a_preload_takes_one_for_each_level() {
    counted(async |counted| {
        author(counted.db, "Kurt").await?;
        let preload = async |db: &Database| {
            Author::query()
                .preload(Author::books)
                .all(db)
                .await
                .map(drop)
        };
        assert_eq!(counted.trips(preload).await?, 2);
        Ok(())
    });
}

#[test]
fn a_type_of_the_program_is_asked_for_once() {
    counted(async |counted| {
        estoult::batch(counted.db, "create type mood as enum ('ok')").await?;
        let read = async |db: &Database| {
            let row = sql("select 'ok'::mood").one::<(String,)>(db).await?;
            assert_eq!(row.0, "ok");
            Ok(())
        };
        assert_eq!(counted.trips(read).await?, 2);
        assert_eq!(counted.trips(read).await?, 1);
        Ok(())
    });
}

#[test]
fn statements_that_change_nothing_of_the_session_cost_no_reset() {
    counted(async |counted| {
        let then = async |text: &str| {
            let both = async |db: &Database| {
                sql(text).execute(db).await?;
                sql("select 1").rows(db).await.map(drop)
            };
            counted.trips(both).await
        };
        for text in [
            "insert into authors (name) values ('set role admin; listen x')",
            "update authors set name = 'create temp table'",
            "select pg_advisory_xact_lock(7), name from authors",
            "delete from authors",
        ] {
            assert_eq!(then(text).await?, 2, "{text}");
        }
        assert_eq!(then("set search_path to public").await?, 3);
        Ok(())
    });
}
