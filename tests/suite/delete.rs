//! Deletes of one row.

use estoult::{Conflict, ConstraintKind, ErrorKind, Schema};

use crate::support::{
    on_every_backend,
    schemas::{Author, author, book, create_tables},
};

on_every_backend!(a_deleted_row_is_gone_and_others_stay, async |db| {
    create_tables(db).await?;
    let kurt = author(db, "Kurt").await?;
    let ursula = author(db, "Ursula").await?;
    kurt.delete(db).await?;
    assert_eq!(Author::query().all(db).await?, [ursula]);
    Ok(())
});

on_every_backend!(deleting_twice_is_a_conflict, async |db| {
    create_tables(db).await?;
    let kurt = author(db, "Kurt").await?;
    kurt.delete(db).await?;
    let error = kurt.delete(db).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Conflict(Conflict::Stale)),
        "{error:?}"
    );
    assert!(error.is_conflict());
    assert!(
        error
            .origin()
            .is_some_and(|at| at.file().ends_with("delete.rs"))
    );
    Ok(())
});

on_every_backend!(a_row_that_others_need_is_not_deleted, async |db| {
    create_tables(db).await?;
    let kurt = author(db, "Kurt").await?;
    book(db, &kurt, "One", 100).await?;
    for error in [
        kurt.delete(db).await.unwrap_err(),
        Author::query().delete_all(db).await.unwrap_err(),
    ] {
        let constraint = error.constraint().expect("a broken constraint");
        assert_eq!(constraint.kind, ConstraintKind::ForeignKey);
    }
    assert_eq!(Author::query().count(db).await?, 1);
    Ok(())
});
