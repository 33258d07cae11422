//! What observers see: each statement, acquire, connect and end of a transaction, in whatever way it came about.

mod connections;
mod log;
mod secrets;
mod transactions;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use estoult::{
    Database, Dialect, Schema, batch,
    copy::{copy_in, copy_out},
    insert_all, new,
    observe::{Completion, Event, Observer, Operation},
    sql, with_tags,
};

use crate::support::{
    create_table, on_every_backend,
    schemas::{Author, Book, author, book, create_tables},
};

/// Keeps what it sees.
#[derive(Debug, Clone, Default)]
struct Events(Arc<Mutex<Vec<Seen>>>);

#[derive(Debug, Clone)]
struct Seen {
    operation: Operation,
    database: String,
    place: Option<(String, u32)>,
    tags: String,
    sql: String,
    together: usize,
    queued: Duration,
    run: Duration,
    decoded: Duration,
    rows: Option<u64>,
    end: String,
}

impl Observer for Events {
    fn observe(&self, event: &Event<'_>) {
        let tags = event.context.tags();
        let tags: Vec<_> = tags
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        self.0.lock().unwrap().push(Seen {
            operation: event.operation,
            database: event.database.to_owned(),
            place: event.origin.map(|at| (at.file().to_owned(), at.line())),
            tags: tags.join(" "),
            sql: event.sql.to_owned(),
            together: event.together,
            queued: event.queued,
            run: event.run,
            decoded: event.decoded,
            rows: event.rows,
            end: match event.completion {
                Completion::Done => "done".to_owned(),
                Completion::Failed(error) => format!("failed: {}", error.message()),
                Completion::Dropped => "dropped".to_owned(),
                _ => "unknown".to_owned(),
            },
        });
    }
}

impl Events {
    /// What came since it was asked last.
    fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// The statements since it was asked last.
    fn statements(&self) -> Vec<Seen> {
        let mut seen = self.take();
        seen.retain(|seen| seen.operation == Operation::Statement);
        seen
    }

    /// The operations since it was asked last, other than acquires and connects.
    fn operations(&self) -> Vec<String> {
        let seen = self
            .take()
            .into_iter()
            .filter(|seen| !matches!(seen.operation, Operation::Acquire | Operation::Connect));
        seen.map(|seen| format!("{:?} {}: {}", seen.operation, seen.end, seen.sql))
            .collect()
    }
}

/// A handle that is observed, and what it tells.
fn observed(db: &Database) -> (Database, Events) {
    let events = Events::default();
    (db.observed_by(events.clone()), events)
}

/// The first word of each text, and the number of rows.
fn words(seen: &[Seen]) -> Vec<(String, Option<u64>)> {
    let word = |seen: &Seen| {
        seen.sql
            .split(' ')
            .next()
            .unwrap_or_default()
            .to_lowercase()
    };
    seen.iter().map(|seen| (word(seen), seen.rows)).collect()
}

on_every_backend!(each_verb_tells_its_statements_and_rows, async |db| {
    create_tables(db).await?;
    let (db, events) = observed(db);
    let kurt = author(&db, "Kurt").await?;
    let ursula = author(&db, "Ursula").await?;
    assert_eq!(events.statements().len(), 2);
    assert_eq!(Author::query().all(&db).await?.len(), 2);
    Author::get(&db, kurt.id).await?;
    let named = Author::query().filter(Author::name.eq("Kurt"));
    named
        .clone()
        .set(Author::name, "K.")
        .update_all(&db)
        .await?;
    sql("update authors set name = :name")
        .bind("name", "x")
        .execute(&db)
        .await?;
    sql("select name from authors").rows(&db).await?;
    sql("select name from authors where id < 0")
        .all::<(String,)>(&db)
        .await?;
    ursula.delete(&db).await?;
    let seen = events.statements();
    let rows = [2, 1, 1, 2, 2, 0, 1].map(Some);
    let verbs = [
        "select", "select", "update", "update", "select", "select", "delete",
    ];
    let expected: Vec<_> = verbs.map(str::to_owned).into_iter().zip(rows).collect();
    assert_eq!(words(&seen), expected);
    assert!(
        seen.iter()
            .all(|seen| seen.end == "done" && seen.together == 1)
    );
    assert!(seen.iter().all(|seen| !seen.run.is_zero()), "{seen:?}");
    assert!(!seen[0].decoded.is_zero() && seen[5].decoded.is_zero());
    Ok(())
});

on_every_backend!(the_caller_is_told_with_its_tags_and_wait, async |db| {
    let (db, events) = observed(db);
    let select = sql("select 1");
    let line = line!() + 1;
    with_tags([("request", "7")], async { select.execute(&db).await }).await?;
    let seen = events.take();
    let [acquire, statement] = &seen[..] else {
        panic!("{seen:?}");
    };
    assert_eq!(acquire.operation, Operation::Acquire);
    assert!(statement.queued <= acquire.queued, "{seen:?}");
    assert!(!statement.queued.is_zero());
    for seen in [acquire, statement] {
        let (file, at) = seen.place.clone().unwrap();
        assert!(file.ends_with("observe.rs"), "{file}");
        assert_eq!(at, line);
        assert_eq!(
            (seen.tags.as_str(), seen.database.as_str()),
            ("request=7", "default")
        );
    }
    let pinned = db.pin().await?;
    for _ in 0..2 {
        sql("select 1").execute(&pinned).await?;
    }
    let queued: Vec<_> = events
        .statements()
        .iter()
        .map(|seen| seen.queued.is_zero())
        .collect();
    assert_eq!(queued, [false, true]);
    Ok(())
});

on_every_backend!(a_failure_is_told_with_its_error, async |db| {
    let (db, events) = observed(db);
    sql("select * from missing_table")
        .execute(&db)
        .await
        .unwrap_err();
    sql("select * from missing_table")
        .rows(&db)
        .await
        .unwrap_err();
    let seen = events.statements();
    assert_eq!(seen.len(), 2);
    for seen in seen {
        assert!(seen.end.starts_with("failed: "), "{seen:?}");
        assert!(seen.end.contains("missing_table"), "{seen:?}");
        assert_eq!(seen.rows, None);
    }
    Ok(())
});

/// A statement that takes longer than a test waits.
fn endless(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => {
            "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"
        }
        Dialect::Postgres => "select count(pg_sleep(60))",
        _ => "select sleep(60)",
    }
}

on_every_backend!(a_dropped_statement_is_told_as_such, async |db| {
    let (db, events) = observed(db);
    let text = endless(db.dialect());
    let work = sql(text).rows(&db);
    tokio::time::timeout(Duration::from_millis(100), work)
        .await
        .unwrap_err();
    let seen = events.statements();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        (seen[0].sql.as_str(), seen[0].end.as_str()),
        (text, "dropped")
    );
    assert!(seen[0].run >= Duration::from_millis(50), "{seen:?}");
    let limited = sql(text).timeout(Duration::from_millis(50)).rows(&db).await;
    limited.unwrap_err();
    let seen = events.statements();
    assert!(
        seen[0]
            .end
            .starts_with("failed: run a statement: it was not done"),
        "{seen:?}"
    );
    Ok(())
});

on_every_backend!(preloads_and_pipelines_tell_each_statement, async |db| {
    create_tables(db).await?;
    let kurt = author(db, "Kurt").await?;
    book(db, &kurt, "Galápagos", 1250).await?;
    let (db, events) = observed(db);
    let query = Author::query()
        .preload(Author::books)
        .preload(Author::profile);
    query.all(&db).await?;
    let seen = events.statements();
    let expected = [Some(1), Some(1), Some(0)].map(|rows| ("select".to_owned(), rows));
    assert_eq!(words(&seen), expected);
    let set = Book::query().set(Book::published, false);
    let missing = sql("select * from missing_table");
    let (books, changed, missing) = db.pipeline((Book::query(), set, missing)).await?;
    assert_eq!((books?.len(), changed?), (1, 1));
    missing.unwrap_err();
    let seen = events.statements();
    let found: Vec<_> = seen
        .iter()
        .map(|seen| (seen.rows, &seen.end[..4]))
        .collect();
    assert_eq!(
        found,
        [(Some(1), "done"), (Some(1), "done"), (None, "fail")]
    );
    assert!(seen.iter().all(|seen| seen.sql.len() > 10), "{seen:?}");
    assert_eq!(seen[0].together, 3);
    Ok(())
});

on_every_backend!(bulk_inserts_scripts_and_copies_are_told, async |db| {
    create_table::<Author>(db).await?;
    let (db, events) = observed(db);
    let rows = |count: usize| {
        (0..count).map(|number| {
            let name = format!("author {number}");
            new!(Author { name, email: None })
        })
    };
    // PostgreSQL learns with the first rows that COPY can insert them.
    insert_all(&db, rows(12_000)).await?;
    events.take();
    insert_all(&db, rows(40_000)).await?;
    let seen = events.take();
    let inserted = seen
        .iter()
        .filter(|seen| seen.operation == Operation::Statement);
    let count: u64 = inserted.filter_map(|seen| seen.rows).sum();
    assert_eq!(count, 40_000);
    let begun = seen.iter().any(|seen| seen.operation == Operation::Begin);
    let copies = seen.iter().any(|seen| seen.sql.starts_with("copy "));
    let is_copied = db.dialect() == Dialect::Postgres;
    assert_eq!((begun, copies), (!is_copied, is_copied));
    batch(&db, "delete from authors; delete from authors").await?;
    let script = "Script done: delete from authors; delete from authors";
    assert_eq!(events.operations(), [script]);
    let copied = copy_in(&db, "copy authors (name) from stdin", "a\nb\n".as_bytes()).await;
    let read = copy_out(&db, "copy authors (name) to stdout", &mut Vec::new()).await;
    assert_eq!(
        copied.is_ok() && read.is_ok(),
        db.dialect() == Dialect::Postgres
    );
    let seen = events.take();
    let copies = seen.iter().filter(|seen| seen.operation == Operation::Copy);
    let rows: Vec<_> = copies.map(|seen| seen.rows).collect();
    let expected = copied.is_ok().then_some(2);
    assert_eq!(rows, [expected, expected]);
    Ok(())
});

on_every_backend!(only_those_who_listen_are_told, async |db| {
    struct Deaf(Events);

    impl Observer for Deaf {
        fn is_listening(&self) -> bool {
            false
        }

        fn observe(&self, event: &Event<'_>) {
            self.0.observe(event);
        }
    }

    let (deaf, events) = (Events::default(), Events::default());
    let both = db
        .observed_by(Deaf(deaf.clone()))
        .observed_by(events.clone());
    sql("select 1").execute(db).await?;
    assert_eq!(events.take().len(), 0);
    sql("select 1").execute(&both).await?;
    assert_eq!((deaf.take().len(), events.take().len()), (0, 2));
    Ok(())
});

on_every_backend!(a_panic_of_an_observer_loses_no_write, async |db| {
    create_table::<Author>(db).await?;
    let events = Events::default();
    let observed = db
        .observed_by(|event: &Event<'_>| assert!(event.sql.is_empty(), "an observer's own fault"))
        .observed_by(events.clone());
    observed
        .transaction(async |tx| {
            new!(Author {
                name: "Kurt".to_owned(),
                email: None
            })
            .insert(tx)
            .await
        })
        .await?;
    assert_eq!(Author::query().count(db).await?, 1);
    assert_eq!(events.operations().len(), 3);
    Ok(())
});
