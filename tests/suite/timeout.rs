//! All connections in use: a waiter that times out learns who holds them, waiters are served in order, and one that
//! gives up leaves nothing behind.

mod statement;

use std::time::{Duration, Instant};

use estoult::{Database, ErrorKind, Result, sql, with_tags};
use tokio::sync::mpsc::unbounded_channel;

use crate::support::{
    Fresh, cut_after, eventually, mask, on_every_fresh, runtime,
    schemas::{author, create_tables},
    within, wrap,
};

fn small(fresh: &Fresh, connections: usize, acquire_timeout: Duration) -> Result<Database> {
    Database::builder(&fresh.url)
        .max_connections(connections)
        .acquire_timeout(acquire_timeout)
        .build()
}

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(30);

/// The message without the numbers and the address, which differ between databases.
fn told(message: &str) -> String {
    let (tried, rest) = message.split_once(" (").unwrap();
    let (_, rest) = rest.split_once("): ").unwrap();
    mask(&format!("{tried}: {rest}"))
}

on_every_fresh!(
    who_waits_in_vain_is_told_who_holds_the_connections,
    |fresh| {
        let db = small(fresh, 2, SHORT)?;
        runtime().block_on(async {
            let lifespan = Box::pin(connected(&db)).await?;
            let pinned = db.pin().await?;
            let tx = db.begin().await?;
            let begun = Instant::now();
            let error = sql("select 1").one::<(i64,)>(&db).await.unwrap_err();
            let waited = begun.elapsed();
            assert!(waited >= SHORT && waited < SHORT * 20, "{waited:?}");
            assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
            insta::assert_snapshot!(wrap(told(error.message())), @"
            get a connection to `default`: no connection was free within #ms: # of # are in
            use, held by tests/suite/timeout.rs:# for #.# s; tests/suite/timeout.rs:# for
            #.# s, in a transaction; release connections earlier, or raise max_connections
            ");
            let place = error.origin().unwrap();
            let next = format!("{}:{}", place.file(), place.line() - 2);
            assert!(error.message().contains(&next), "{next} in {error}");
            tx.rollback().await?;
            drop(pinned);
            lifespan.close().await
        })
    }
);

/// Connects with patience: the short limit is for those that wait.
async fn connected(db: &Database) -> Result<estoult::Lifespan> {
    for _ in 0..50 {
        if let Ok(lifespan) = db.connect().await {
            // Both connections are opened, so that opening one is no part of what is tested.
            let opened = async { Ok::<_, estoult::Error>((db.pin().await?, db.pin().await?)) };
            if db.status().max < 2 || opened.await.is_ok() {
                return Ok(lifespan);
            }
        }
    }
    db.connect().await
}

on_every_fresh!(a_transaction_says_where_it_was_begun, |fresh| {
    let db = small(fresh, 1, SHORT)?;
    runtime().block_on(async {
        let lifespan = connected(&db).await?;
        let error = db
            .transaction(async |_| {
                // A verb on the database needs a second connection, and there is none.
                sql("select 1").one::<(i64,)>(&db).await.map(drop)
            })
            .await
            .unwrap_err();
        let text = told(error.message());
        let holder = "held by tests/suite/timeout.rs:# for #.# s, in a transaction;";
        assert!(text.contains(holder), "{text}");
        lifespan.close().await
    })
});

on_every_fresh!(a_holder_is_told_with_its_tags, |fresh| {
    let db = small(fresh, 1, SHORT)?;
    runtime().block_on(async {
        let lifespan = connected(&db).await?;
        let held = with_tags([("request", "7"), ("user", "42")], async { db.pin().await }).await?;
        let error = sql("select 1").one::<(i64,)>(&db).await.unwrap_err();
        let text = told(error.message());
        assert!(text.contains("for #.# s [request=#, user=#];"), "{text}");
        drop(held);
        lifespan.close().await
    })
});

on_every_fresh!(waiters_are_served_in_order, |fresh| {
    let db = small(fresh, 1, LONG)?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        let held = db.pin().await?;
        let (sender, mut served) = unbounded_channel();
        for number in 0..8 {
            let (waiting, sender) = (db.clone(), sender.clone());
            let waiter = async move {
                let _pinned = waiting.pin().await?;
                sender.send(number).unwrap();
                Ok::<_, estoult::Error>(())
            };
            tokio::spawn(waiter);
            eventually("it waits", async || db.status().waiting > number).await;
        }
        assert_eq!(db.status().waiting, 8);
        drop((held, sender));
        for number in 0..8 {
            let next = within("all are served", served.recv()).await;
            assert_eq!(next, Some(number));
        }
        lifespan.close().await
    })
});

on_every_fresh!(a_waiter_that_gives_up_takes_no_place, |fresh| {
    let db = small(fresh, 1, LONG)?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        create_tables(&db).await?;
        let held = db.pin().await?;
        for _ in 0..5 {
            assert!(cut_after(1, db.pin()).await.is_none());
        }
        assert_eq!(db.status().waiting, 0);
        drop(held);
        within("the connection is free", author(&db, "Kurt")).await?;
        let status = db.status();
        assert_eq!((status.open, status.in_use), (1, 0));
        lifespan.close().await
    })
});

on_every_fresh!(a_dropped_statement_frees_its_place, |fresh| {
    let db = small(fresh, 1, LONG)?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        create_tables(&db).await?;
        for _ in 0..5 {
            cut_after(1, author(&db, "cut")).await;
            within("the place is free", author(&db, "Kurt")).await?;
        }
        assert_eq!(db.status().in_use, 0);
        lifespan.close().await
    })
});

on_every_fresh!(many_tasks_share_few_connections, |fresh| {
    let db = small(fresh, 2, LONG)?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        create_tables(&db).await?;
        let tasks: Vec<_> = (0..64)
            .map(|number| {
                let db = db.clone();
                tokio::spawn(async move {
                    author(&db, &number.to_string()).await?;
                    Ok::<_, estoult::Error>(db.status().open)
                })
            })
            .collect();
        for task in tasks {
            let open = within("all have inserted", task).await.unwrap()?;
            assert!(open <= 2, "{open} connections are open");
        }
        assert_eq!(db.status().in_use, 0);
        lifespan.close().await
    })
});

on_every_fresh!(limits_beyond_the_range_of_the_clock_are_none, |fresh| {
    let db = Database::builder(&fresh.url)
        .connect_within(Duration::MAX)
        .acquire_timeout(Duration::MAX)
        .statement_timeout(Duration::MAX)
        .build()?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        assert!(db.health_within(Duration::MAX).await.is_healthy());
        let begun = db.transaction_with().timeout(Duration::MAX).begin().await?;
        begun.rollback().await?;
        let pinned = db.pin().await?;
        let closing = tokio::spawn(lifespan.close_within(Duration::MAX));
        drop(pinned);
        let closed = within("it is closed", closing).await.unwrap();
        assert!(closed.is_complete(), "{closed}");
        Ok(())
    })
});
