//! Which database: a query's own, the handle's, what the schema says, the default one.

use estoult::{Database, ErrorKind, Registry, Result, Schema, Transaction, new};

use super::{Author, author, book};
use crate::support::{
    Backend, Fresh, create_table, on_every_fresh, runtime,
    schemas::{Book, create_tables},
    wrap,
};

/// What happened to an author; it is kept in another database.
#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "entries", database = "audit")]
struct Entry {
    id: i64,
    author_id: i64,
    text: String,
}

/// An author with what happened to it.
#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "authors", has_many(entries: Entry, key = "author_id"))]
struct Watched {
    id: i64,
    name: String,
    email: Option<String>,
}

/// What happened, with whom it happened to.
#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "entries", database = "audit", belongs_to(author: Watched))]
struct Event {
    id: i64,
    author_id: i64,
    text: String,
}

/// A registry of this database and two others of the same kind, all with the tables.
struct Three {
    registry: Registry,
    _others: [Fresh; 2],
}

impl Three {
    async fn new(fresh: &Fresh) -> Result<Self> {
        let others = [Fresh::new(fresh.backend()), Fresh::new(fresh.backend())];
        let registry = Registry::builder(&*fresh.url)
            .extra("audit", &*others[0].url)
            .extra("replica", &*others[1].url)
            .build()?;
        Ok(Self {
            registry,
            _others: others,
        })
    }

    async fn fill(&self) -> Result<()> {
        for database in self.registry.databases() {
            create_tables(database).await?;
            create_table::<Entry>(database).await?;
            let author = author(database, database.name()).await?;
            book(database, &author, database.name(), 100).await?;
        }
        Ok(())
    }
}

fn with_three(fresh: &Fresh, test: impl AsyncFnOnce(&Registry) -> Result<()>) -> Result<()> {
    runtime().block_on(async {
        let three = Three::new(fresh).await?;
        let lifespan = three.registry.connect().await?;
        three.fill().await?;
        test(&three.registry).await?;
        lifespan.close().await
    })
}

on_every_fresh!(a_query_says_which_database_it_means, |fresh| {
    with_three(fresh, async |registry| {
        let of = |name: &str| Author::query().using(name);
        for name in ["default", "audit", "replica"] {
            assert_eq!(of(name).one(registry).await?.name, name);
            assert_eq!(of(name).one(&registry.using(name)?).await?.name, name);
        }
        let (name,): (String,) = estoult::sql("select name from authors")
            .using("replica")
            .one(registry)
            .await?;
        assert_eq!(name, "replica");
        Ok(())
    })
});

on_every_fresh!(
    preloads_and_filters_stay_on_the_database_of_the_query,
    |fresh| {
        with_three(fresh, async |registry| {
            let replica = registry.using("replica")?;
            let with_books = Author::query().preload(Author::books.preload(Book::author));
            for (author, books) in [
                with_books.clone().using("replica").one(registry).await?,
                with_books.clone().one(&replica).await?,
                replica
                    .transaction(async |tx| with_books.clone().one(tx).await)
                    .await?,
            ] {
                assert_eq!(author.name, "replica");
                assert_eq!(books[0].0.title, "replica");
                assert_eq!(books[0].1.as_ref(), Some(&author));
                let reverse = Author::books.of(&author).one(&replica).await?;
                assert_eq!(reverse.title, "replica");
            }
            let titled = Author::books.any(Book::title.eq("replica"));
            assert_eq!(
                Author::query()
                    .filter(titled.clone())
                    .count(&replica)
                    .await?,
                1
            );
            assert_eq!(Author::query().filter(titled).count(registry).await?, 0);
            Ok(())
        })
    }
);

on_every_fresh!(a_schema_says_which_database_it_is_in, |fresh| {
    with_three(fresh, async |registry| {
        let (author_id, text) = (1, "was born".to_owned());
        let entry = new!(Entry { author_id, text }).insert(registry).await?;
        let audit = registry.using("audit")?;
        assert_eq!(Entry::get(&audit, entry.id).await?, Some(entry.clone()));
        assert_eq!(Entry::query().count(registry.default_database()).await?, 0);
        assert_eq!(Entry::query().using("replica").count(registry).await?, 0);
        let entry = entry
            .change()
            .put(Entry::text, "died")
            .update(registry)
            .await?;
        entry.delete(registry).await?;
        assert_eq!(Entry::query().count(&audit).await?, 0);
        Ok(())
    })
});

on_every_fresh!(
    a_preload_goes_to_the_other_database_and_comes_back,
    |fresh| {
        with_three(fresh, async |registry| {
            let watched = Watched::query().one(registry).await?;
            for text in ["was born", "wrote"] {
                let (author_id, text) = (watched.id, text.to_owned());
                new!(Entry { author_id, text }).insert(registry).await?;
            }
            let entries = Watched::entries.order_by(Entry::id.asc());
            let found = Watched::query().preload(entries).one(registry).await?;
            let texts: Vec<_> = found.1.iter().map(|entry| &*entry.text).collect();
            assert_eq!(texts, ["was born", "wrote"]);
            // From there to here, in a transaction, and on a handle that the registry gave.
            let events = Event::query()
                .order_by(Event::id.asc())
                .preload(Event::author);
            assert_eq!(
                events.clone().all(registry).await?[0].1.as_ref(),
                Some(&watched)
            );
            let nested = registry.transaction(async |tx| {
                let entries = Watched::query().preload(Watched::entries);
                entries.one(tx).await
            });
            assert_eq!(nested.await?.1.len(), 2);
            let audit = registry.using("audit")?;
            assert_eq!(events.all(&audit).await?[0].1.as_ref(), Some(&watched));
            Ok(())
        })
    }
);

on_every_fresh!(one_statement_over_two_databases_is_refused, |fresh| {
    with_three(fresh, async |registry| {
        let query = Watched::query().filter(Watched::entries.exists());
        let error = query.count(registry).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error:?}");
        insta::allow_duplicates! {
            insta::assert_snapshot!(wrap(error.message()), @r"
            filter rows of `authors` by rows of `entries`: `authors` is in the default one,
            `entries` is in the database `audit`, and a statement runs in one database; read
            the keys from the other one first and filter with `in_list`, or preload
            ");
        }
        Ok(())
    })
});

on_every_fresh!(
    a_transaction_of_the_registry_does_not_write_elsewhere,
    |fresh| {
        with_three(fresh, async |registry| {
            let write = async |tx: &Transaction| {
                let (author_id, text) = (1, "was born".to_owned());
                new!(Entry { author_id, text }).insert(tx).await
            };
            let error = registry
                .transaction(async |tx| write(tx).await)
                .await
                .unwrap_err();
            insta::allow_duplicates! {
                insta::assert_snapshot!(wrap(error.message()), @r#"
                run a statement in a transaction of the default database `default`: the table
                `entries` belongs to the database `audit`, which the transaction does not reach;
                begin one with `registry.using("audit")?.transaction(…)`
                "#);
            }
            let audit = registry.using("audit")?;
            audit.transaction(async |tx| write(tx).await).await?;
            let replica = registry.using("replica")?;
            replica.transaction(async |tx| write(tx).await).await?;
            assert_eq!(Entry::query().count(registry).await?, 1);
            Ok(())
        })
    }
);

#[test]
fn contradictions_and_unknown_names_are_refused() {
    let fresh = Fresh::new(Backend::Sqlite);
    let outcome = with_three(&fresh, async |registry| {
        let replica = registry.using("replica")?;
        let query = || Author::query().using("audit");
        let on_handle = query().count(&replica).await.unwrap_err();
        let in_transaction = replica.transaction(async |tx| query().count(tx).await);
        let in_transaction = in_transaction.await.unwrap_err();
        let on_pinned = query().count(&replica.pin().await?).await.unwrap_err();
        for error in [on_handle, in_transaction, on_pinned] {
            assert!(
                matches!(error.kind(), ErrorKind::Configuration),
                "{error:?}"
            );
            insta::allow_duplicates! {
                insta::assert_snapshot!(wrap(error.message()), @r#"
                run a statement on the database `replica`: it says `using("audit")`; run it on
                the registry, or on a handle of `audit`
                "#);
            }
        }
        let unknown = Author::query()
            .using("replicas")
            .count(registry)
            .await
            .unwrap_err();
        insta::assert_snapshot!(wrap(unknown.message()), @r#"
        use the database "replicas": there is none of that name; known are `default`,
        `audit`, `replica`; did you mean `replica`?
        "#);
        Ok(())
    });
    outcome.expect("three databases");
}

#[test]
fn a_database_in_no_registry_reaches_no_other() {
    let fresh = Fresh::new(Backend::Sqlite);
    let outcome = runtime().block_on(async {
        let database = Database::builder(&fresh.url).build()?;
        let lifespan = database.connect().await?;
        create_tables(&database).await?;
        author(&database, "Kurt").await?;
        let query = Watched::query().preload(Watched::entries);
        let error = query.all(&database).await.unwrap_err();
        insta::assert_snapshot!(wrap(error.message()), @r"
        preload rows of `entries`: they are in another database, and this one is in no
        registry; run the query on a registry
        ");
        lifespan.close().await
    });
    outcome.expect("a database");
}
