//! Servers that die or stand still: errors by kind and in words, and everything well again afterwards.

use std::time::{Duration, Instant};

use estoult::{Database, DatabaseBuilder, Dialect, ErrorKind, Result, Schema, sql};

use crate::support::{
    eventually, mask, runtime,
    schemas::{Author, author, create_tables},
    servers::{Server, private_mysql, private_postgres},
    within, wrap,
};

/// One test for each server, on one of its own.
macro_rules! on_every_server {
    ($name:ident, $test:expr $(,)?) => {
        mod $name {
            use super::*;

            #[test]
            fn postgres() {
                on_server(private_postgres(), "postgres", $test);
            }

            #[test]
            fn mysql() {
                on_server(private_mysql(), "mysql", $test);
            }
        }
    };
}

/// What a test of this file has: a server, and the name under which its URLs begin.
struct Lab {
    server: Server,
    scheme: &'static str,
}

impl Lab {
    fn builder(&self) -> DatabaseBuilder {
        // The test servers acknowledge commits early, and what they lose when killed is not what is tested here.
        let option = match self.scheme {
            "postgres" => "?options=-c%20synchronous_commit%3Don",
            _ => "",
        };
        Database::builder(format!("{}{option}", self.server.url())).max_connections(2)
    }

    /// A message without what is different on each server.
    fn told(&self, message: &str) -> String {
        let text = message.replace(&format!("/{}", self.scheme), "/DATABASE");
        mask(&text.replace(self.scheme, "SERVER"))
    }
}

fn on_server(server: Server, scheme: &'static str, test: impl AsyncFnOnce(&Lab) -> Result<()>) {
    let lab = Lab { server, scheme };
    runtime().block_on(test(&lab)).unwrap();
}

fn sleep(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "select cast(1 as bigint) from (select pg_sleep(600)) as nap",
        _ => "select cast(sleep(600) as signed)",
    }
}

/// How many others run the long statement.
async fn count_naps(db: &Database) -> Result<i64> {
    let text = match db.dialect() {
        Dialect::Postgres => {
            "select count(*) from pg_stat_activity where query like '%pg_sleep(600)%' \
             and state = 'active' and pid <> pg_backend_pid()"
        }
        _ => {
            "select count(*) from information_schema.processlist where info like '%sleep(600)%' \
             and id <> connection_id()"
        }
    };
    let (naps,): (i64,) = sql(text).one(db).await?;
    Ok(naps)
}

on_every_server!(a_server_killed_in_the_middle_of_a_query, async |lab| {
    let db = lab.builder().build()?;
    let lifespan = db.connect().await?;
    create_tables(&db).await?;
    author(&db, "before").await?;
    let napping = db.clone();
    let nap = async move { sql(sleep(napping.dialect())).one::<(i64,)>(&napping).await };
    let nap = tokio::spawn(nap);
    eventually("the statement runs", async || {
        count_naps(&db).await.is_ok_and(|naps| naps == 1)
    })
    .await;
    lab.server.kill();
    let error = within("the loss is noticed", nap).await.unwrap();
    let error = error.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
    assert!(
        error.message().contains("the connection was lost"),
        "{error}"
    );
    assert!(error.message().contains("not known"), "{error}");
    assert_eq!(error.origin().unwrap().file(), file!());
    // The other connection is as dead, and it is not handed out: the error says that the server is down.
    let mut error = author(&db, "down").await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
    // The port of a process that dies may still take a connection, and break it off.
    eventually("the port is closed", async || {
        error = author(&db, "down").await.unwrap_err();
        error.message().contains("refused")
    })
    .await;
    insta::assert_snapshot!(wrap(lab.told(error.message())), @r"
    get a connection to `default` (SERVER://estoult@#.#.#.#:#/DATABASE): connect to
    SERVER://estoult@#.#.#.#:#/DATABASE: Connection refused (os error #); is the
    server running and reachable?
    ");
    assert_eq!(db.status().in_use, 0);
    lab.server.restart();
    within("the server is used again", author(&db, "after")).await?;
    let names = Author::query()
        .order_by(Author::name.asc())
        .all(&db)
        .await?;
    let names: Vec<_> = names.iter().map(|author| author.name.as_str()).collect();
    assert_eq!(names, ["after", "before"]);
    lifespan.close().await
});

on_every_server!(a_server_killed_while_idle, async |lab| {
    let db = lab.builder().ping_after(Duration::ZERO).build()?;
    let lifespan = db.connect().await?;
    create_tables(&db).await?;
    author(&db, "before").await?;
    lab.server.kill();
    lab.server.restart();
    // The dead connection is detected before it is handed out: the caller gets a live one.
    author(&db, "after").await?;
    assert_eq!(Author::query().count(&db).await?, 2);
    let status = db.status();
    assert_eq!((status.open, status.in_use), (1, 0));
    lifespan.close().await
});

on_every_server!(
    health_tells_of_a_server_that_died_and_came_back,
    async |lab| {
        let db = lab.builder().build()?;
        let lifespan = db.connect().await?;
        assert!(db.health().await.is_healthy());
        lab.server.kill();
        let health = within("there is a report", db.health()).await;
        assert!(!health.is_healthy() && db.is_connected(), "{health}");
        let error = health.error.unwrap();
        assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
        lab.server.restart();
        eventually("it is well again", async || db.health().await.is_healthy()).await;
        lifespan.close().await
    }
);

on_every_server!(one_loss_makes_all_idle_connections_suspect, async |lab| {
    let db = lab
        .builder()
        .max_connections(5)
        .ping_after(Duration::from_secs(600))
        .build()?;
    let lifespan = db.connect().await?;
    create_tables(&db).await?;
    let all = async || -> Result<Vec<_>> {
        let mut pinned = Vec::new();
        for _ in 0..5 {
            pinned.push(db.pin().await?);
        }
        Ok(pinned)
    };
    drop(all().await?);
    assert_eq!(db.status().open, 5);
    lab.server.kill();
    lab.server.restart();
    author(&db, "the first one meets the loss")
        .await
        .unwrap_err();
    for pinned in all().await? {
        sql("select 1").one::<(i32,)>(&pinned).await?;
    }
    lifespan.close().await
});

on_every_server!(
    a_transaction_lost_with_its_server_is_not_committed,
    async |lab| {
        let db = lab.builder().build()?;
        let lifespan = db.connect().await?;
        create_tables(&db).await?;
        let tx = db.begin().await?;
        estoult::new!(Author {
            name: "lost".to_owned(),
            email: None
        })
        .insert(&tx)
        .await?;
        lab.server.kill();
        let error = tx.commit().await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::CommitUnknown),
            "{error:?}"
        );
        insta::assert_snapshot!(wrap(error.message()), @r"
        commit a transaction: the connection was lost before COMMIT was answered, so
        whether it took effect is not known; read what it wrote before running it again
        ");
        lab.server.restart();
        assert_eq!(within("it is up", Author::query().count(&db)).await?, 0);
        lifespan.close().await
    }
);

on_every_server!(a_server_that_stands_still, async |lab| {
    let limit = Duration::from_millis(500);
    let db = lab
        .builder()
        .acquire_timeout(limit)
        .ping_after(Duration::ZERO)
        .build()?;
    let fresh = lab.builder().connect_timeout(limit).build()?;
    let lifespan = within("it is connected", connect(&db)).await;
    create_tables(&db).await?;
    lab.server.freeze();
    let begun = Instant::now();
    let error = author(&db, "frozen").await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
    insta::assert_snapshot!(wrap(lab.told(error.message())), @"
    get a connection to `default` (SERVER://estoult@#.#.#.#:#/DATABASE): no
    connection was free within #ms: # of # are in use; # more being opened or
    checked, without an answer so far; see whether the database is slow or hangs
    ");
    let error = fresh.connect().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
    insta::assert_snapshot!(wrap(lab.told(error.message())), @r"
    `default` (SERVER://estoult@#.#.#.#:#/DATABASE): connect to
    SERVER://estoult@#.#.#.#:#/DATABASE: no answer within #ms; the server may hang,
    or packets are dropped on the way
    ");
    assert!(begun.elapsed() < limit * 10, "{:?}", begun.elapsed());
    assert_eq!(db.status().in_use, 0);
    lab.server.thaw();
    eventually("it goes on", async || author(&db, "thawed").await.is_ok()).await;
    lifespan.close().await
});

on_every_server!(a_statement_that_hangs_can_be_given_up, async |lab| {
    let db = lab.builder().max_connections(1).build()?;
    let lifespan = db.connect().await?;
    create_tables(&db).await?;
    lab.server.freeze();
    let insert = author(&db, "frozen");
    let limit = Duration::from_millis(300);
    tokio::time::timeout(limit, insert).await.unwrap_err();
    lab.server.thaw();
    within("it goes on", author(&db, "thawed")).await?;
    assert_eq!(db.status().in_use, 0);
    lifespan.close().await
});

/// Connects with patience, where the limit for others is short.
async fn connect(db: &Database) -> estoult::Lifespan {
    loop {
        if let Ok(lifespan) = db.connect().await {
            return lifespan;
        }
    }
}
