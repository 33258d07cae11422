//! Many rows at once: inserts of all or none in few statements, updates and deletes of what filters accept.

use estoult::{ConstraintKind, Decimal, ErrorKind, New, Schema, insert_all, new};
use uuid::Uuid;

use super::{
    insert::{Ticket, ticket},
    update::{Page, page},
};
use crate::support::{
    create_table, on_every_backend,
    schemas::{Author, Book, author, book, create_tables},
};

#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "entries")]
struct Entry {
    id: i64,
    #[field(unique)]
    number: i64,
    text: Option<String>,
    bytes: Vec<u8>,
}

fn entries(numbers: impl IntoIterator<Item = i64>) -> impl Iterator<Item = New<Entry>> {
    numbers.into_iter().map(|number| {
        new!(Entry {
            number,
            text: (number % 3 > 0).then(|| format!("entry \"{number}\"")),
            bytes: number.to_be_bytes().to_vec()
        })
    })
}

on_every_backend!(any_number_of_rows_is_inserted, async |db| {
    create_table::<Entry>(db).await?;
    let mut next = 0;
    for length in [0, 1, 2, 999, 1000, 1001, 10_000] {
        let inserted = insert_all(db, entries(next..next + length)).await?;
        assert_eq!(inserted, length.unsigned_abs());
        next += length;
        assert_eq!(Entry::query().count(db).await?, next.unsigned_abs());
    }
    let sum = Entry::query().select((Entry::number.sum(), Entry::text.count()));
    let (total, texts) = sum.one(db).await?;
    assert_eq!(
        (total, texts),
        (Some(next * (next - 1) / 2), next - (next + 2) / 3)
    );
    let one = Entry::query()
        .filter(Entry::number.eq(12_345))
        .one(db)
        .await?;
    assert_eq!(
        (one.text, one.bytes),
        (None, 12_345_i64.to_be_bytes().to_vec())
    );
    Ok(())
});

on_every_backend!(one_row_that_breaks_a_constraint_undoes_all, async |db| {
    create_table::<Entry>(db).await?;
    for length in [3, 1000, 10_500] {
        let numbers = (0..length).chain([length / 2]);
        let error = insert_all(db, entries(numbers)).await.unwrap_err();
        let constraint = error.constraint().expect("a broken constraint");
        assert_eq!(constraint.kind, ConstraintKind::Unique);
        assert!(!error.to_string().contains("entry \""), "{error}");
        assert_eq!(Entry::query().count(db).await?, 0, "{length} rows");
    }
    assert_eq!(insert_all(db, entries(0..5)).await?, 5);
    Ok(())
});

on_every_backend!(many_rows_are_undone_with_their_transaction, async |db| {
    create_table::<Entry>(db).await?;
    let outcome = db
        .transaction(async |tx| {
            assert_eq!(insert_all(tx, entries(0..11_000)).await?, 11_000);
            assert_eq!(Entry::query().count(tx).await?, 11_000);
            Err::<(), _>(estoult::Error::custom("undo"))
        })
        .await;
    assert_eq!(outcome.unwrap_err().message(), "undo");
    assert_eq!(Entry::query().count(db).await?, 0);
    Ok(())
});

on_every_backend!(rows_with_different_columns_are_refused, async |db| {
    create_tables(db).await?;
    let row = |name: &str| {
        new!(Author {
            name: name.to_owned(),
            email: None
        })
    };
    let rows = [row("a"), row("b"), row("c").put(Author::id, 5)];
    let error = insert_all(db, rows).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Configuration),
        "{error:?}"
    );
    assert!(error.message().contains("row 3"), "{error}");
    let rows = [row("a").put(Author::id, 5), row("b")];
    let error = insert_all(db, rows).await.unwrap_err();
    assert!(error.message().contains("row 2"), "{error}");
    assert_eq!(Author::query().count(db).await?, 0);
    Ok(())
});

on_every_backend!(the_same_columns_in_another_order_are_the_same, async |db| {
    create_table::<Ticket>(db).await?;
    let rows = [
        ticket("a").put(Ticket::state, "one"),
        ticket("b").put(Ticket::priority, 2),
        ticket("c").put(Ticket::id, Uuid::nil()),
        ticket("d"),
    ];
    assert_eq!(insert_all(db, rows).await?, 4);
    let query = Ticket::query().order_by(Ticket::title.asc());
    let kept = query.select((Ticket::state, Ticket::priority, Ticket::weight));
    let open = || "open".to_owned();
    let expected = [
        ("one".to_owned(), 0, 7),
        (open(), 2, 7),
        (open(), 0, 7),
        (open(), 0, 7),
    ];
    assert_eq!(kept.all(db).await?, expected);
    let nil = Ticket::get(db, Uuid::nil()).await?;
    assert_eq!(nil.map(|ticket| ticket.title).as_deref(), Some("c"));
    Ok(())
});

on_every_backend!(
    a_value_that_cannot_be_held_is_refused_before_all,
    async |db| {
        create_table::<Entry>(db).await?;
        let rows = entries(0..3).map(|row| row.put(Entry::text, Some("a\0b".to_owned())));
        let inserted = insert_all(db, rows).await;
        if db.dialect() == estoult::Dialect::Postgres {
            let error = inserted.unwrap_err();
            assert!(error.message().contains("`entries.text`"), "{error}");
            assert_eq!(Entry::query().count(db).await?, 0);
        } else {
            assert_eq!(inserted?, 3);
            let found = Entry::query().filter(Entry::text.eq("a\0b"));
            assert_eq!(found.count(db).await?, 3);
        }
        Ok(())
    }
);

on_every_backend!(update_all_changes_what_the_filters_accept, async |db| {
    create_tables(db).await?;
    let kurt = author(db, "Kurt").await?;
    for (title, cents) in [("a", 100), ("b", 950), ("c", 1050)] {
        book(db, &kurt, title, cents).await?;
    }
    let changed = Book::query()
        .filter(Book::price.lt(Decimal::from(10)))
        .set(Book::published, false)
        .set(Book::title, "cheap".to_owned())
        .update_all(db)
        .await?;
    assert_eq!(changed, 2);
    let cheap = Book::query().filter(Book::title.eq("cheap").and(!Book::published.is_true()));
    assert_eq!(cheap.count(db).await?, 2);
    let none = Book::query().filter(Book::id.in_list(Vec::<i64>::new()));
    assert_eq!(none.set(Book::published, true).update_all(db).await?, 0);
    let again = Book::query()
        .set(Book::published, false)
        .update_all(db)
        .await?;
    assert_eq!(again, 3);
    Ok(())
});

on_every_backend!(set_to_takes_a_column_a_value_or_a_condition, async |db| {
    create_table::<Page>(db).await?;
    create_tables(db).await?;
    page(db, "a", 7).await?;
    let changed = Page::query()
        .set(Page::title, "b".to_owned())
        .set_to(Page::likes, Page::views)
        .set_to(Page::body, "c")
        .update_all(db)
        .await?;
    assert_eq!(changed, 1);
    let stored = Page::query().one(db).await?;
    assert_eq!((stored.likes, stored.body.as_deref()), (7, Some("c")));
    let kurt = author(db, "Kurt").await?;
    book(db, &kurt, "cheap", 999).await?;
    book(db, &kurt, "dear", 10_000).await?;
    let changed = Book::query()
        .set_to(Book::published, Book::price.gt(Decimal::from(10)))
        .update_all(db)
        .await?;
    assert_eq!(changed, 2);
    let published = Book::query()
        .filter(Book::published.is_true())
        .one(db)
        .await?;
    assert_eq!(published.title, "dear");
    Ok(())
});

on_every_backend!(update_all_refuses_what_is_no_filter, async |db| {
    create_tables(db).await?;
    let rows = || Author::query();
    let refused = [
        rows().limit(1),
        rows().offset(1),
        rows().order_by(Author::id.asc()),
        rows().distinct(),
        rows().group_by(Author::id),
    ];
    for query in refused {
        let error = query
            .set(Author::name, "x".to_owned())
            .update_all(db)
            .await
            .unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error:?}");
        assert!(error.message().contains("filters only"), "{error}");
    }
    Ok(())
});

on_every_backend!(delete_all_tells_how_many_rows, async |db| {
    create_tables(db).await?;
    let kurt = author(db, "Kurt").await?;
    for (title, cents) in [("a", 100), ("b", 200), ("c", 1000)] {
        book(db, &kurt, title, cents).await?;
    }
    let cheap = Book::query().filter(Book::price.lt(Decimal::from(10)));
    assert_eq!(cheap.clone().delete_all(db).await?, 2);
    assert_eq!(cheap.delete_all(db).await?, 0);
    assert_eq!(Book::query().one(db).await?.title, "c");
    let listed = Book::query().filter(Book::title.in_list(["c", "d"]));
    assert_eq!(listed.delete_all(db).await?, 1);
    Ok(())
});

on_every_backend!(delete_all_refuses_what_is_no_filter, async |db| {
    create_tables(db).await?;
    author(db, "Kurt").await?;
    let rows = || Author::query();
    let refused = [
        rows().limit(1),
        rows().offset(1),
        rows().order_by(Author::id.asc()),
        rows().distinct(),
        rows().group_by(Author::id),
    ];
    for query in refused {
        let error = query.delete_all(db).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error:?}");
    }
    assert_eq!(Author::query().count(db).await?, 1);
    Ok(())
});
