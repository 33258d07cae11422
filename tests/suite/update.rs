//! Updates: of what changed and nothing else.

use chrono::{DateTime, TimeDelta, Utc};
use estoult::{Conflict, Database, Decimal, ErrorKind, Schema, new};

use crate::support::{
    create_table, on_every_backend,
    schemas::{Author, Book, author, book, create_tables},
};

#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "pages")]
struct Page {
    id: i64,
    title: String,
    body: Option<String>,
    views: i32,
    likes: i32,
    #[field(created_at)]
    created: DateTime<Utc>,
    #[field(updated_at)]
    updated: DateTime<Utc>,
}

/// A page that was written an hour ago.
async fn page(db: &Database, title: &str, views: i32) -> estoult::Result<Page> {
    let hour_ago = DateTime::from_timestamp_micros(Utc::now().timestamp_micros()).unwrap();
    let hour_ago = hour_ago - TimeDelta::hours(1);
    new!(Page {
        title: title.to_owned(),
        body: None,
        views,
        likes: 1
    })
    .put(Page::created, hour_ago)
    .put(Page::updated, hour_ago)
    .insert(db)
    .await
}

on_every_backend!(update_leaves_unchanged_columns_alone, async |db| {
    create_table::<Page>(db).await?;
    let page = page(db, "a", 1).await?;
    let stale = page.clone();
    page.change()
        .put(Page::body, Some("new".to_owned()))
        .update(db)
        .await?;
    let second = stale
        .change()
        .put(Page::title, "b")
        .put(Page::views, 1)
        .update(db)
        .await?;
    assert_eq!((second.title.as_str(), second.body), ("b", None));
    let stored = Page::get(db, page.id).await?.expect("the page");
    assert_eq!(
        (stored.title.as_str(), stored.body.as_deref()),
        ("b", Some("new"))
    );
    Ok(())
});

on_every_backend!(nothing_changed_sends_nothing, async |db| {
    create_table::<Page>(db).await?;
    let page = page(db, "a", 1).await?;
    let nowhere = Database::builder("postgres://nobody@127.0.0.1:1/none").build()?;
    let same = page
        .change()
        .put(Page::title, "a")
        .put(Page::body, None)
        .update(&nowhere)
        .await?;
    assert_eq!(same, page);
    assert_eq!(page.change().update(&nowhere).await?, page);
    assert_eq!(
        page.change()
            .put_some(Page::views, None)
            .update(&nowhere)
            .await?,
        page
    );
    let error = page
        .change()
        .put(Page::title, "b")
        .update(&nowhere)
        .await
        .unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
    Ok(())
});

on_every_backend!(a_row_that_is_gone_is_stale, async |db| {
    create_table::<Page>(db).await?;
    let page = page(db, "a", 1).await?;
    page.delete(db).await?;
    let error = page
        .change()
        .put(Page::title, "secret")
        .update(db)
        .await
        .unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Conflict(Conflict::Stale)),
        "{error:?}"
    );
    assert!(error.message().contains("`pages`"), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    Ok(())
});

on_every_backend!(values_that_are_there_already_are_no_stale_row, async |db| {
    create_table::<Page>(db).await?;
    let page = page(db, "a", 1).await?;
    let copy = page.clone();
    let updated = page.change().put(Page::title, "b").update(db).await?;
    let again = copy
        .change()
        .put(Page::title, "b")
        .put(Page::updated, updated.updated)
        .update(db)
        .await?;
    assert_eq!(again.title, "b");
    Ok(())
});

on_every_backend!(times_of_update_follow_changes_only, async |db| {
    create_table::<Page>(db).await?;
    let page = page(db, "a", 1).await?;
    let same = page.change().put(Page::title, "a").update(db).await?;
    assert_eq!(same.updated, page.updated);
    let changed = page.change().put(Page::title, "b").update(db).await?;
    assert!(changed.updated > page.updated);
    assert_eq!(changed.created, page.created);
    assert_eq!(Page::get(db, page.id).await?, Some(changed.clone()));
    let given = changed
        .change()
        .put(Page::title, "c")
        .put(Page::updated, page.created);
    assert_eq!(given.update(db).await?.updated, page.created);
    Page::query().set(Page::views, 9).update_all(db).await?;
    let stored = Page::get(db, page.id).await?.expect("the page");
    assert!(stored.updated > page.updated && stored.created == page.created);
    Ok(())
});

on_every_backend!(a_key_can_be_changed, async |db| {
    create_tables(db).await?;
    let kurt = author(db, "Kurt").await?;
    let moved = kurt.change().put(Author::id, 500).update(db).await?;
    assert_eq!(moved.id, 500);
    assert_eq!(Author::query().all(db).await?, [moved]);
    Ok(())
});

on_every_backend!(a_changeset_without_a_row_cannot_update, async |db| {
    create_tables(db).await?;
    let error = Author::changeset()
        .put(Author::name, "x")
        .update(db)
        .await
        .unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Configuration),
        "{error:?}"
    );
    assert!(error.message().contains("row.change()"), "{error}");
    Ok(())
});

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
