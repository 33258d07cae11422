//! The main verbs once each.

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
