//! Updates: of what changed and nothing else.

use chrono::{DateTime, TimeDelta, Utc};
use estoult::{Conflict, Database, ErrorKind, Schema, new};

use crate::support::{
    create_table, on_every_backend,
    schemas::{Author, author, create_tables},
};

#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "pages")]
pub(super) struct Page {
    pub(super) id: i64,
    pub(super) title: String,
    pub(super) body: Option<String>,
    pub(super) views: i32,
    pub(super) likes: i32,
    #[field(created_at)]
    pub(super) created: DateTime<Utc>,
    #[field(updated_at)]
    pub(super) updated: DateTime<Utc>,
}

/// A page that was written an hour ago.
pub(super) async fn page(db: &Database, title: &str, views: i32) -> estoult::Result<Page> {
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

on_every_backend!(updates_of_different_columns_do_not_mix, async |db| {
    create_tables(db).await?;
    let mut kurt = author(db, "Kurt").await?;
    let email = |text: &str| Some(text.to_owned());
    // Each set of columns has a text of its own, whatever was updated before it.
    for round in 0..2 {
        let name = format!("Kurt {round}");
        kurt = kurt.change().put(Author::name, name).update(db).await?;
        kurt = kurt
            .change()
            .put(Author::email, email("a"))
            .update(db)
            .await?;
        let both = kurt.change().put(Author::email, email("b"));
        kurt = both.put(Author::name, "Both").update(db).await?;
        let both = kurt.change().put(Author::name, "Either");
        kurt = both.put(Author::email, None).update(db).await?;
        assert_eq!(Author::query().one(db).await?, kurt);
        assert_eq!((kurt.name.as_str(), &kurt.email), ("Either", &None));
    }
    Ok(())
});
