//! The verbs of a schema: a row is got, changed and deleted.

use estoult::{Decimal, Schema};

use crate::support::{
    on_every_backend,
    schemas::{Author, Book, author, book, create_tables},
};

on_every_backend!(a_row_is_inserted_read_changed_and_deleted, async |db| {
    create_tables(db).await?;
    let kurt = author(db, "Kurt").await?;
    let book = book(db, &kurt, "Galápagos", 1250).await?;
    assert_eq!(Book::get(db, book.id).await?, Some(book.clone()));
    let changed = book
        .change()
        .put(Book::price, Decimal::new(999, 2))
        .update(db)
        .await?;
    assert_eq!(changed.price, Decimal::new(999, 2));
    assert_eq!(Book::get(db, book.id).await?, Some(changed.clone()));
    let all = Author::query().preload(Author::books).all(db).await?;
    assert_eq!(all, [(kurt, vec![changed.clone()])]);
    changed.delete(db).await?;
    assert_eq!(Book::query().count(db).await?, 0);
    Ok(())
});

on_every_backend!(get_finds_a_row_by_its_key_or_none, async |db| {
    create_tables(db).await?;
    let kurt = author(db, "Kurt").await?;
    assert_eq!(Author::get(db, kurt.id).await?, Some(kurt.clone()));
    assert_eq!(Author::get(db, kurt.id + 1).await?, None);
    assert_eq!(Author::get(db, i64::MIN).await?, None);
    Ok(())
});
