//! The first listener: what a subscriber of `tracing` sees.

use std::time::Duration;

use estoult::{Database, Result, Schema, batch, new, sql, with_tags};
use tracing::{Level, subscriber::with_default};

use crate::support::{
    Backend, Capture, Fresh, create_table, on_every_fresh, runtime, schemas::Author,
};

/// Connects a database, and gives the lines of what runs on it.
fn lines(
    db: &Database,
    level: Level,
    work: impl AsyncFnOnce(&Database) -> Result<()>,
) -> Result<Vec<String>> {
    let capture = Capture::of(level).and_statements();
    with_default(capture.clone(), || {
        runtime().block_on(async {
            let lifespan = db.connect().await?;
            create_table::<Author>(db).await?;
            let before = capture.lines().len();
            work(db).await?;
            let lines = capture.lines().split_off(before);
            lifespan.close().await?;
            Ok(lines)
        })
    })
}

/// A line without its times, and without the place in the file.
fn masked(line: &str) -> String {
    let parts = line.split("; ").map(|part| match part.split_once('=') {
        Some((name @ ("queued" | "run" | "decoded"), _)) => format!("{name}=…"),
        Some(("at", place)) => match place.rsplit_once("suite/") {
            Some((_, file)) => format!("at={}", file.split(':').next().unwrap_or_default()),
            None => format!("at={place}"),
        },
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("; ")
}

#[test]
fn a_subscriber_sees_statements_and_no_values() -> Result<()> {
    let fresh = Fresh::new(Backend::Sqlite);
    let lines = lines(&fresh.database(), Level::DEBUG, async |db| {
        let kurt = new!(Author {
            name: "Kurt".to_owned(),
            email: None
        });
        kurt.insert(db).await?;
        let found = Author::query().filter(Author::name.eq("Kurt"));
        with_tags([("request", "7"), ("user", "42")], async {
            found.all(db).await
        })
        .await?;
        sql("select * from missing_table")
            .execute(db)
            .await
            .unwrap_err();
        db.transaction(async |tx| {
            sql("update authors set name = :name")
                .bind("name", "K.")
                .execute(tx)
                .await
        })
        .await?;
        let dropped = sql(super::endless(db.dialect())).rows(db);
        tokio::time::timeout(Duration::from_millis(50), dropped)
            .await
            .unwrap_err();
        Ok(())
    })?;
    let lines: Vec<_> = lines.iter().map(|line| masked(line)).collect();
    insta::assert_snapshot!(lines.join("\n").replace("; database", ";\n  database"), @r#"
    INSERT INTO "authors" ("name", "email") VALUES (?, ?) RETURNING "id", "name", "email";
      database="default"; at=observe/log.rs; queued=…; run=…; decoded=…; rows=1
    SELECT "authors"."id", "authors"."name", "authors"."email" FROM "authors" WHERE "authors"."name" = ?;
      database="default"; at=observe/log.rs; tags="request=7, user=42"; queued=…; run=…; decoded=…; rows=1
    select * from missing_table;
      database="default"; at=observe/log.rs; queued=…; run=…; error="no such table: missing_table"
    begin immediate;
      database="default"; at=observe/log.rs; queued=…; run=…
    update authors set name = ?;
      database="default"; at=observe/log.rs; run=…; rows=1
    commit;
      database="default"; at=observe/log.rs; run=…
    with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n;
      database="default"; at=observe/log.rs; queued=…; run=…; error="dropped before it was done"
    "#);
    Ok(())
}

on_every_fresh!(slow_statements_are_warnings, |fresh| {
    let builder = Database::builder(fresh.url.clone());
    let slow = builder.slow_statement(Duration::from_nanos(1)).build()?;
    let told = lines(&slow, Level::WARN, async |db| {
        Author::query().all(db).await?;
        sql("delete from authors").execute(db).await?;
        batch(db, "delete from authors").await
    })?;
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(
        told.iter().all(|line| line.starts_with("slow statement: ")),
        "{told:#?}"
    );
    assert!(told[0].contains("; database=\"default\"; at=") && told[0].contains("; run="));
    assert!(told[0].ends_with("; rows=0"), "{}", told[0]);
    let other = Fresh::new(fresh.backend());
    let builder = Database::builder(other.url.clone());
    let quick = builder.slow_statement(Duration::MAX).build()?;
    let told = lines(&quick, Level::DEBUG, async |db| {
        sql("delete from authors").execute(db).await.map(|_| ())
    })?;
    assert!(told[0].starts_with("delete from authors; "), "{told:#?}");
    Ok(())
});

on_every_fresh!(a_second_is_slow_by_default, |fresh| {
    let told = lines(&fresh.database(), Level::WARN, async |db| {
        Author::query().all(db).await.map(|_| ())
    })?;
    assert_eq!(told, [""; 0]);
    assert_eq!(
        estoult::DatabaseOptions::default().slow_statement,
        Some(Duration::from_secs(1))
    );
    let error = Database::builder(&fresh.url)
        .slow_statement(Duration::ZERO)
        .build()
        .unwrap_err();
    assert!(error.to_string().contains("slow_statement is 0"), "{error}");
    Ok(())
});
