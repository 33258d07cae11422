//! Routes: which database and which schema a statement runs in, and that nothing leads it out of there.

mod database;
mod files;
mod order;
mod raw;
mod schemas;

use estoult::{
    Context, Database, Decimal, ErrorKind, Result, Schema, insert_all, new, sql, with_schema,
    with_tenant,
};

use crate::support::{
    on_every_backend,
    schemas::{Author, Book, Profile, author, book, create_tables},
    wrap,
};

/// A schema's name: on MySQL it is a database of the server, so it begins with the test's own.
async fn name(db: &Database, name: &str) -> Result<String> {
    if db.dialect().features().list_schemas.contains("schemata") {
        let (own,): (String,) = sql("select database()").one(db).await?;
        return Ok(format!("{own}_{name}"));
    }
    Ok(name.to_owned())
}

/// Runs a test with two schemas that have the suite's tables; the database itself has them too.
async fn in_two_schemas(
    db: &Database,
    test: impl AsyncFnOnce(&Database, &Database) -> Result<()>,
) -> Result<()> {
    create_tables(db).await?;
    let names = [name(db, "a").await?, name(db, "b").await?];
    for name in &names {
        db.create_schema(name).await?;
        create_tables(&db.using_schema(name)?).await?;
    }
    let [a, b] = [db.using_schema(&names[0])?, db.using_schema(&names[1])?];
    let outcome = test(&a, &b).await;
    for name in &names {
        db.drop_schema_and_tables(name).await?;
    }
    outcome
}

/// The name of the schema that a handle has.
fn of(handle: &Database) -> &str {
    handle.schema().expect("a schema")
}

async fn names(on: &Database) -> Result<Vec<String>> {
    let names = Author::query().order_by(Author::name.asc());
    names.select(Author::name).all(on).await
}

on_every_backend!(each_verb_stays_in_the_schema_of_its_handle, async |db| {
    in_two_schemas(db, async |a, b| {
        let kurt = author(a, "Kurt").await?;
        author(b, "Ursula").await?;
        assert_eq!(Author::get(a, kurt.id).await?, Some(kurt.clone()));
        let more = ["Iris", "Joan"].map(|name| {
            let (name, email) = (name.to_owned(), None);
            new!(Author { name, email })
        });
        assert_eq!(insert_all(a, more).await?, 2);
        let kurt = kurt.change().put(Author::name, "K.").update(a).await?;
        let joan = Author::query().filter(Author::name.eq("Joan"));
        assert_eq!(joan.clone().set(Author::name, "J.").update_all(a).await?, 1);
        assert!(joan.clone().optional(a).await?.is_none());
        assert!(!joan.exists(a).await?);
        assert_eq!(names(a).await?, ["Iris", "J.", "K."]);
        kurt.delete(a).await?;
        let iris = Author::query().filter(Author::name.eq("Iris"));
        assert_eq!(iris.delete_all(a).await?, 1);
        assert_eq!(names(a).await?, ["J."]);
        assert_eq!(names(b).await?, ["Ursula"]);
        assert_eq!(Author::query().count(db).await?, 0);
        Ok(())
    })
    .await
});

on_every_backend!(what_follows_from_a_query_stays_in_its_schema, async |db| {
    in_two_schemas(db, async |a, b| {
        for (schema, title) in [(a, "Timequake"), (b, "Voices"), (db, "Emma")] {
            let author = author(schema, "Somebody").await?;
            book(schema, &author, title, 100).await?;
            let text = title.to_uppercase();
            let author_id = author.id;
            new!(Profile { author_id, text }).insert(schema).await?;
        }
        for (schema, title) in [(a, "Timequake"), (b, "Voices"), (db, "Emma")] {
            let own = |titles: &[Book]| {
                let titles: Vec<_> = titles.iter().map(|book| &*book.title).collect();
                assert_eq!(titles, [title]);
            };
            let query = Author::query()
                .preload(Author::books)
                .preload(Author::profile);
            let (author, books, profile) = query.one(schema).await?;
            own(&books);
            assert_eq!(
                profile.map(|profile| profile.text),
                Some(title.to_uppercase())
            );
            // With a limit, nested, and back to where it came from.
            let books = Author::books
                .order_by(Book::id.asc())
                .limit(1)
                .preload(Book::author);
            let nested = Author::query().preload(books).all(schema).await?;
            assert_eq!(nested[0].1[0].0.title, title);
            assert_eq!(nested[0].1[0].1, Some(author.clone()));
            own(&Author::books.of(&author).all(schema).await?);
            let titled = Author::books.any(Book::title.eq(title));
            assert_eq!(Author::query().filter(titled).count(schema).await?, 1);
            let others = Author::books.any(Book::title.ne(title));
            assert_eq!(Author::query().filter(others).count(schema).await?, 0);
        }
        Ok(())
    })
    .await
});

on_every_backend!(a_querys_own_schema_is_taken_before_any_other, async |db| {
    in_two_schemas(db, async |a, b| {
        author(a, "Kurt").await?;
        book(b, &author(b, "Ursula").await?, "Voices", 100).await?;
        let of_b = Author::query().using_schema(of(b)).preload(Author::books);
        for handle in [a, db] {
            let (author, books) = of_b.clone().one(handle).await?;
            assert_eq!((&*author.name, &*books[0].title), ("Ursula", "Voices"));
        }
        let scoped = with_schema(of(a), async { of_b.clone().one(db).await });
        assert_eq!(scoped.await?.0.name, "Ursula");
        let renamed = Author::query().using_schema(of(b)).set(Author::name, "U.");
        assert_eq!(renamed.update_all(a).await?, 1);
        assert_eq!(
            (names(a).await?, names(b).await?),
            (vec!["Kurt".into()], vec!["U.".into()])
        );
        Ok(())
    })
    .await
});

on_every_backend!(
    a_scope_has_its_schema_for_all_that_is_made_in_it,
    async |db| {
        in_two_schemas(db, async |a, b| {
            let filled = async {
                let author = author(db, "Kurt").await?;
                book(db, &author, "Timequake", 100).await?;
                let author = Author::get(db, author.id).await?.expect("the author");
                author.change().put(Author::name, "K.").update(db).await
            };
            let kurt = with_schema(of(a), filled).await?;
            assert_eq!(names(a).await?, ["K."]);
            assert_eq!(Author::query().count(db).await?, 0);
            // The handle's own schema goes before the scope's.
            with_schema(of(a), author(b, "Ursula")).await?;
            assert_eq!(names(b).await?, ["Ursula"]);
            with_schema(of(a), async {
                Book::query().delete_all(db).await?;
                kurt.delete(db).await
            })
            .await?;
            assert_eq!(names(a).await?, [""; 0]);
            Ok(())
        })
        .await
    }
);

on_every_backend!(a_query_keeps_the_scope_that_it_was_made_in, async |db| {
    in_two_schemas(db, async |a, b| {
        author(a, "Kurt").await?;
        author(b, "Ursula").await?;
        let made = with_schema(of(a), async { Author::query().preload(Author::books) }).await;
        // Outside of it, changed there, cloned there, and in the scope of another schema.
        let changed = made.clone().filter(Author::name.ne("Nobody")).limit(5);
        assert_eq!(changed.clone().one(db).await?.0.name, "Kurt");
        let scoped = with_schema(of(b), async { changed.one(db).await });
        assert_eq!(scoped.await?.0.name, "Kurt");
        let outside = Author::query();
        let scoped = with_schema(of(b), async { outside.clone().count(db).await });
        assert_eq!(scoped.await?, 0);
        Ok(())
    })
    .await
});

on_every_backend!(a_tenants_scope_is_not_left_by_a_scope_in_it, async |db| {
    in_two_schemas(db, async |a, b| {
        author(a, "Kurt").await?;
        author(b, "Ursula").await?;
        let inner = with_tenant(of(a), async {
            with_schema(of(b), async { Author::query().one(db).await }).await
        });
        assert_eq!(inner.await?.name, "Kurt");
        let other = with_tenant(of(a), async {
            with_tenant(of(b), async { Author::query().one(db).await }).await
        });
        assert_eq!(other.await?.name, "Ursula");
        Ok(())
    })
    .await
});

on_every_backend!(a_transaction_keeps_the_schema_of_its_handle, async |db| {
    in_two_schemas(db, async |a, b| {
        let committed = a.transaction(async |tx| {
            let (name, email) = ("Kurt".to_owned(), None);
            let kurt = new!(Author { name, email }).insert(tx).await?;
            tx.transaction(async |inner| {
                let (author_id, title) = (kurt.id, "Timequake".to_owned());
                let (price, published) = (Decimal::ONE, true);
                new!(Book {
                    author_id,
                    title,
                    price,
                    published
                })
                .insert(inner)
                .await
            })
            .await?;
            assert_eq!(Author::query().using_schema(of(b)).count(tx).await?, 0);
            Ok(kurt)
        });
        let kurt = committed.await?;
        let pinned = a.pin().await?;
        assert_eq!(Author::get(&pinned, kurt.id).await?, Some(kurt));
        let tx = pinned.begin().await?;
        assert_eq!(Book::query().delete_all(&tx).await?, 1);
        tx.rollback().await?;
        assert_eq!(Book::query().count(a).await?, 1);
        assert_eq!(Book::query().count(db).await?, 0);
        Ok(())
    })
    .await
});

on_every_backend!(
    a_task_takes_the_scope_along_when_it_is_told_to,
    async |db| {
        in_two_schemas(db, async |a, _| {
            author(a, "Kurt").await?;
            let handle = db.clone();
            let count = move || {
                let db = handle.clone();
                async move { Author::query().count(&db).await }
            };
            let (alone, along) = with_schema(of(a), async {
                let along = tokio::spawn(Context::current().scope(count()));
                (tokio::spawn(count()).await, along.await)
            })
            .await;
            assert_eq!(alone.expect("the task")?, 0);
            assert_eq!(along.expect("the task")?, 1);
            Ok(())
        })
        .await
    }
);

on_every_backend!(
    a_verb_that_was_called_outside_of_a_scope_is_refused_in_it,
    async |db| {
        in_two_schemas(db, async |a, _| {
            author(a, "Kurt").await?;
            let error = with_schema(of(a), Author::query().count(db))
                .await
                .unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::Configuration),
                "{error:?}"
            );
            insta::allow_duplicates! {
                insta::assert_snapshot!(wrap(error.message().replace(of(a), "a")), @r"
                run a statement in the scope of the schema `a`: it was made before the scope
                began, so it is not part of it; make it inside, in an `async` block, or name its
                schema with `using_schema`
                ");
            }
            // One that was called inside may be awaited anywhere.
            let called = Context::current()
                .in_schema(of(a))
                .run(|| Author::query().count(db));
            assert_eq!(called.await?, 1);
            Ok(())
        })
        .await
    }
);
