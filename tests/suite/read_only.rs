//! Databases that are only read: what they do, and that no write gets through, whatever way it takes.

use estoult::{
    Database, DatabaseKey, Dialect, Error, ErrorKind, Isolation, ReadOnly, ReadOnlyDatabase,
    Registry, Result, Schema, batch, insert_all, new, sql,
};

use crate::support::{
    Backend, Fresh, on_every_fresh, runtime,
    schemas::{Author, Book, author, book, create_tables},
    wrap,
};

const AUDIT: DatabaseKey = DatabaseKey::new("audit");
const REPLICA: DatabaseKey<ReadOnly> = DatabaseKey::read_only("replica");

/// Runs work with the database of a test and a read-only handle on the same tables, which hold Kurt and a book of his.
fn beside(
    fresh: &Fresh,
    work: impl AsyncFnOnce(&Database, &ReadOnlyDatabase) -> Result<()>,
) -> Result<()> {
    let database = fresh.database();
    let replica = Database::builder(&fresh.url)
        .max_connections(2)
        .read_only()
        .build()?;
    runtime().block_on(async {
        let lives = database.connect().await?;
        create_tables(&database).await?;
        let kurt = author(&database, "Kurt").await?;
        book(&database, &kurt, "Galápagos", 1250).await?;
        let further = replica.connect().await?;
        work(&database, &replica).await?;
        further.close().await?;
        lives.close().await
    })
}

/// A registry whose default database is the test's, with a read-only one on the same tables.
fn registry(fresh: &Fresh) -> Result<Registry> {
    let replica = Database::builder(&fresh.url).read_only();
    Registry::builder(fresh.database())
        .extra(REPLICA, replica)
        .build()
}

fn assert_read_only<T: std::fmt::Debug>(outcome: Result<T>) -> Error {
    let error = outcome.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ReadOnly), "{error:?}");
    error
}

on_every_fresh!(every_reading_verb_runs, |fresh| {
    beside(fresh, async |_, replica| {
        let kurt = Author::query().one(replica).await?;
        assert_eq!(Author::get(replica, kurt.id).await?.as_ref(), Some(&kurt));
        assert_eq!(Book::query().count(replica).await?, 1);
        assert!(
            Book::query()
                .filter(Book::published.eq(true))
                .exists(replica)
                .await?
        );
        let loaded = Author::query().preload(Author::books).all(replica).await?;
        assert_eq!(loaded[0].1[0].title, "Galápagos");
        let (books,): (i64,) = sql("select count(*) from books").one(replica).await?;
        assert_eq!(books, 1);
        let pinned = replica.pin().await?;
        assert_eq!(Author::query().all(&pinned).await?, [kurt]);
        assert_eq!(pinned.features().await.dialect, replica.dialect());
        drop(pinned);
        assert!(replica.is_connected());
        Ok(())
    })
});

on_every_fresh!(the_session_refuses_writes_that_raw_sql_sends, |fresh| {
    beside(fresh, async |database, replica| {
        let mut writes = vec![
            "insert into authors (name) values ('Ada')",
            "update authors set name = 'Ada'",
            "delete from books",
            "create table notes (id integer)",
            "drop table books",
        ];
        match database.dialect() {
            Dialect::Postgres => writes.push("explain analyze delete from books"),
            Dialect::MariaDb => writes.push("analyze update authors set name = 'Ada'"),
            _ => {}
        }
        let pinned = replica.pin().await?;
        for write in writes {
            assert_read_only(sql(write).all::<(i64,)>(replica).await);
            assert_read_only(sql(write).optional::<(i64,)>(&pinned).await);
            let tx = replica.begin().await?;
            assert_read_only(sql(write).all::<(i64,)>(&tx).await);
            drop(tx);
        }
        assert_eq!(Author::query().one(database).await?.name, "Kurt");
        assert_eq!(Book::query().count(database).await?, 1);
        Ok(())
    })
});

on_every_fresh!(a_refused_write_names_the_database, |fresh| {
    let registry = registry(fresh)?;
    runtime().block_on(async {
        // A read-only database does not make its file.
        create_tables(registry.default_database()).await?;
        let lifespan = registry.connect().await?;
        let replica = registry.using(REPLICA)?;
        let address = replica.address().to_owned();
        let write = sql("delete from authors").all::<(i64,)>(&replica).await;
        let message = assert_read_only(write)
            .message()
            .replace(&address, "ADDRESS");
        assert!(
            message.starts_with("run a statement on `replica` (ADDRESS): "),
            "{message}"
        );
        assert!(
            message.ends_with("may only read: write to a database that is not read only"),
            "{message}"
        );
        lifespan.close().await
    })
});

on_every_fresh!(
    a_handle_by_name_refuses_every_write_before_anything_is_sent,
    |fresh| {
        let registry = registry(fresh)?;
        let replica: Database = registry.using("replica")?;
        assert!(replica.is_read_only() && !registry.default_database().is_read_only());
        runtime().block_on(async {
            create_tables(registry.default_database()).await?;
            let kurt = author(registry.default_database(), "Kurt").await?;
            let new = || {
                new!(Author {
                    name: "Ada".to_owned(),
                    email: None
                })
            };
            assert_read_only(new().insert(&replica).await);
            assert_read_only(new().changeset().insert(&replica).await);
            assert_read_only(insert_all(&replica, [new(), new()]).await);
            let renamed = kurt.change().put(Author::name, "Ada".to_owned());
            assert_read_only(renamed.update(&replica).await);
            assert_read_only(kurt.delete(&replica).await);
            assert_read_only(Author::query().delete_all(&replica).await);
            let all = Author::query().set(Author::name, "Ada".to_owned());
            assert_read_only(all.update_all(&replica).await);
            assert_read_only(sql("select 1").execute(&replica).await);
            assert_read_only(batch(&replica, "select 1").await);
            assert_read_only(replica.create_schema("notes").await);
            assert_read_only(replica.drop_schema("notes").await);
            // No connection was so much as opened for any of them.
            assert_eq!(replica.used_unconnected(), 0);
            assert_eq!(Author::query().one(&registry).await?, kurt);
            Ok(())
        })
    }
);

on_every_fresh!(
    transactions_and_connections_by_name_refuse_writes_too,
    |fresh| {
        let registry = registry(fresh)?;
        runtime().block_on(async {
            create_tables(registry.default_database()).await?;
            let lifespan = registry.connect().await?;
            let replica = registry.using("replica")?;
            let tx = replica.begin().await?;
            assert_read_only(author_on(&tx).await);
            // Nothing was sent, so the transaction goes on.
            assert_eq!(Author::query().count(&tx).await?, 0);
            let nested = tx.savepoint().await?;
            assert_read_only(author_on(&nested).await);
            nested.commit().await?;
            tx.commit().await?;
            let pinned = replica.pin().await?;
            assert_read_only(author_on(&pinned).await);
            assert_eq!(Author::query().count(&pinned).await?, 0);
            drop(pinned);
            lifespan.close().await
        })
    }
);

async fn author_on(on: &impl estoult::Writes) -> Result<Author> {
    let row = new!(Author {
        name: "Ada".to_owned(),
        email: None
    });
    row.insert(on).await
}

on_every_fresh!(a_session_stays_read_only_after_a_transaction, |fresh| {
    let replica = Database::builder(&fresh.url).max_connections(1).read_only();
    let replica = replica.build()?;
    runtime().block_on(async {
        let database = fresh.database();
        let lives = database.connect().await?;
        create_tables(&database).await?;
        let lifespan = replica.connect().await?;
        let write = || sql("delete from authors").all::<(i64,)>(&replica);
        replica
            .transaction(async |tx| Author::query().count(tx).await)
            .await?;
        assert_read_only(write().await);
        let snapshot = replica
            .transaction_with()
            .isolation(Isolation::RepeatableRead);
        snapshot
            .run(async |tx| Author::query().count(tx).await)
            .await?;
        assert_read_only(write().await);
        drop(replica.begin().await?);
        assert_read_only(write().await);
        lifespan.close().await?;
        lives.close().await
    })
});

on_every_fresh!(a_snapshot_sees_one_state, |fresh| {
    beside(fresh, async |database, replica| {
        let settings = replica
            .transaction_with()
            .isolation(Isolation::RepeatableRead);
        let (before, after) = settings
            .run(async |tx| {
                let before = Author::query().count(tx).await?;
                author(database, "Ada").await?;
                Ok((before, Author::query().count(tx).await?))
            })
            .await?;
        assert_eq!((before, after), (1, 1));
        let tx = settings.begin().await?;
        assert_eq!(Author::query().count(&tx).await?, 2);
        tx.end().await
    })
});

on_every_fresh!(
    a_pipeline_of_reads_runs_and_one_that_may_write_does_not,
    |fresh| {
        beside(fresh, async |_, replica| {
            let reads = || {
                let books = sql("select count(*) from books").into_rows::<(i64,)>();
                (Author::query(), books)
            };
            let (authors, books) = replica.pipeline(reads()).await?;
            assert_eq!((authors?.len(), books?), (1, vec![(1,)]));
            let tx = replica.begin().await?;
            let (authors, books) = tx.pipeline(reads()).await?;
            assert_eq!((authors?.len(), books?), (1, vec![(1,)]));
            let change = || Author::query().set(Author::name, "Ada");
            let delete = || sql("delete from authors");
            assert_read_only(tx.pipeline((Author::query(), change())).await);
            tx.end().await?;
            let pinned = replica.pin().await?;
            assert_read_only(pinned.pipeline((Author::query(), delete())).await);
            drop(pinned);
            assert_read_only(replica.pipeline((Author::query(), change())).await);
            // What reads by its type alone is refused by the session.
            let (hidden,) = replica
                .pipeline((sql("delete from books").into_rows::<(i64,)>(),))
                .await?;
            assert_read_only(hidden);
            assert_eq!(Author::query().one(replica).await?.name, "Kurt");
            assert_eq!(Book::query().count(replica).await?, 1);
            Ok(())
        })
    }
);

on_every_fresh!(keys_give_handles_of_their_kind, |fresh| {
    let registry = Registry::builder(fresh.database())
        .extra(AUDIT, &*fresh.url)
        .extra(REPLICA, Database::builder(&fresh.url).read_only())
        .build()?;
    let audit: Database = registry.using(AUDIT)?;
    let replica: ReadOnlyDatabase = registry.using(REPLICA)?;
    let by_name: Database = registry.using(&"replica".to_owned())?;
    assert_eq!((audit.name(), replica.name()), ("audit", "replica"));
    assert!(ReadOnlyDatabase::try_from(by_name).is_ok());
    assert!(ReadOnlyDatabase::try_from(audit).is_err());
    Ok(())
});

#[test]
fn a_key_that_says_another_thing_than_the_settings_is_refused() {
    let registry = Registry::builder("sqlite::memory:")
        .extra("audit", Database::builder("sqlite::memory:").read_only())
        .extra("replica", "sqlite::memory:")
        .build()
        .unwrap();
    insta::assert_snapshot!(wrap(registry.using(AUDIT).unwrap_err()), @"
    use the database `audit`: the key `audit` writes, but its database is read only;
    make the key with `DatabaseKey::read_only`
    ");
    insta::assert_snapshot!(wrap(registry.using(REPLICA).unwrap_err()), @"
    use the database `replica`: the key `replica` only reads, but its database takes
    writes; build it with `Database::builder(…).read_only()`, or make the key with
    `DatabaseKey::new`
    ");
}

#[test]
fn keys_are_checked_when_the_registry_is_built_all_at_once() {
    let error = Registry::builder("sqlite::memory:")
        .extra(AUDIT, Database::builder("sqlite::memory:").read_only())
        .extra("replica", "sqlite::memory:")
        .require(REPLICA)
        .require(DatabaseKey::new("billing"))
        .require("archive")
        .build()
        .unwrap_err();
    insta::assert_snapshot!(wrap(error), @"
    build a registry: the key `audit` writes, but its database is read only; make
    the key with `DatabaseKey::read_only`; the key `replica` only reads, but its
    database takes writes; build it with `Database::builder(…).read_only()`, or make
    the key with `DatabaseKey::new`; the database `billing` is required and not
    given; add it with `extra`; the database `archive` is required and not given;
    add it with `extra`
    ");
    let required = Registry::builder("sqlite::memory:")
        .require("default")
        .require(AUDIT)
        .extra("audit", "sqlite::memory:");
    assert!(required.build().is_ok());
}

#[test]
fn a_database_in_memory_is_read_only_for_good() {
    runtime().block_on(async {
        let memory = Database::builder("sqlite::memory:")
            .read_only()
            .build()
            .unwrap();
        let lifespan = memory.connect().await.unwrap();
        let (one,): (i64,) = sql("select 1").one(&memory).await.unwrap();
        assert_eq!(one, 1);
        memory.transaction(async |_| Ok(())).await.unwrap();
        assert_read_only(
            sql("create table t (id integer)")
                .all::<(i64,)>(&memory)
                .await,
        );
        lifespan.close().await.unwrap();
    });
}

#[test]
fn a_read_only_file_is_not_made_by_opening_it() {
    let fresh = Fresh::new(Backend::Sqlite);
    let replica = Database::builder(&fresh.url).read_only().build().unwrap();
    let error = runtime().block_on(replica.connect()).unwrap_err();
    let message = error
        .message()
        .replace(fresh.url.trim_start_matches("sqlite:"), "FILE");
    insta::assert_snapshot!(wrap(message), @"
    `default` (sqlite:FILE): open the SQLite file `FILE`: the file does not exist,
    and neither `mode=rw` nor a read-only database makes one; create it first
    ");
}

#[test]
fn switching_the_pragma_off_does_not_open_a_file_for_writing() {
    let fresh = Fresh::new(Backend::Sqlite);
    beside(&fresh, async |_, replica| {
        let pinned = replica.pin().await?;
        sql("pragma query_only = off")
            .all::<(i64,)>(&pinned)
            .await?;
        assert_read_only(sql("delete from books").all::<(i64,)>(&pinned).await);
        pinned.discard();
        Ok(())
    })
    .unwrap();
}
