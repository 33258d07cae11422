//! Transactions: what is kept, what is rolled back, and what happens beside others.

mod conflict;
mod ended;
mod nested;
mod script;
mod settings;

use std::panic::AssertUnwindSafe;

use estoult::{Database, Error, ErrorKind, Reads, Result, Schema, Writes, new};
use futures_util::FutureExt;

use crate::support::{
    on_every_backend, on_every_fresh, runtime,
    schemas::{Author, create_tables},
};

/// Adds an author wherever statements run.
pub(super) async fn put(on: &impl Writes, name: &str) -> Result<Author> {
    new!(Author {
        name: name.to_owned(),
        email: Some(format!("{name}@example.org")),
    })
    .insert(on)
    .await
}

/// The names of all authors, in their order.
pub(super) async fn names(on: &impl Reads) -> Result<Vec<String>> {
    let authors = Author::query().order_by(Author::name.asc()).all(on).await?;
    Ok(authors.into_iter().map(|author| author.name).collect())
}

on_every_backend!(work_that_returns_ok_is_committed, async |db| {
    create_tables(db).await?;
    let id = db
        .transaction(async |tx| {
            put(tx, "Ada").await?;
            Ok(put(tx, "Kurt").await?.id)
        })
        .await?;
    assert_eq!(Author::get(db, id).await?.unwrap().name, "Kurt");
    assert_eq!(names(db).await?, ["Ada", "Kurt"]);
    Ok(())
});

on_every_backend!(nobody_else_sees_a_row_before_the_commit, async |db| {
    create_tables(db).await?;
    let tx = db.begin().await?;
    put(&tx, "Ada").await?;
    assert_eq!(names(&tx).await?, ["Ada"]);
    assert!(names(db).await?.is_empty());
    tx.commit().await?;
    assert_eq!(names(db).await?, ["Ada"]);
    Ok(())
});

on_every_backend!(work_that_returns_an_error_is_rolled_back, async |db| {
    create_tables(db).await?;
    let outcome: Result<()> = db
        .transaction(async |tx| {
            put(tx, "Ada").await?;
            Err(Error::custom("the order is closed"))
        })
        .await;
    assert_eq!(outcome.unwrap_err().message(), "the order is closed");
    assert!(names(db).await?.is_empty());
    put(db, "Kurt").await?;
    assert_eq!(names(db).await?, ["Kurt"]);
    Ok(())
});

on_every_backend!(work_that_panics_is_rolled_back, async |db| {
    create_tables(db).await?;
    let work = db.transaction(async |tx| -> Result<()> {
        put(tx, "Ada").await?;
        panic!("on purpose");
    });
    let panic = AssertUnwindSafe(work).catch_unwind().await.unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"on purpose"));
    assert!(names(db).await?.is_empty());
    put(db, "Kurt").await?;
    assert_eq!(names(db).await?, ["Kurt"]);
    Ok(())
});

on_every_backend!(a_dropped_transaction_is_rolled_back, async |db| {
    create_tables(db).await?;
    let tx = db.begin().await?;
    put(&tx, "Ada").await?;
    drop(tx);
    put(db, "Kurt").await?;
    assert_eq!(names(db).await?, ["Kurt"]);
    Ok(())
});

on_every_backend!(rollback_undoes_and_the_connection_goes_on, async |db| {
    create_tables(db).await?;
    let tx = db.begin().await?;
    put(&tx, "Ada").await?;
    tx.rollback().await?;
    put(db, "Kurt").await?;
    assert_eq!(names(db).await?, ["Kurt"]);
    Ok(())
});

on_every_backend!(
    a_commit_after_a_failed_statement_never_loses_rows_silently,
    async |db| {
        create_tables(db).await?;
        put(db, "Kurt").await?;
        let tx = db.begin().await?;
        put(&tx, "Ada").await?;
        // The program overlooks that the address is taken.
        put(&tx, "Kurt").await.unwrap_err();
        let committed = tx.commit().await;
        let kept = names(db).await?.contains(&"Ada".to_owned());
        assert_eq!(committed.is_ok(), kept, "{committed:?}");
        if let Err(error) = committed {
            let text = error.message();
            assert!(text.contains("rolled back"), "{text}");
            assert!(text.contains("savepoint"), "{text}");
        }
        Ok(())
    }
);

on_every_backend!(work_in_a_task_borrows_what_it_uses, async |db| {
    create_tables(db).await?;
    let db_of_task = db.clone();
    let task = tokio::spawn(async move {
        let (first, second) = ("Ada".to_owned(), String::from("Kurt"));
        let both = [&first, &second];
        db_of_task
            .transaction(async |tx| {
                for name in both {
                    put(tx, name).await?;
                }
                tx.transaction(async |nested| put(nested, "Mary").await)
                    .await
            })
            .await
    });
    assert_eq!(task.await.unwrap()?.name, "Mary");
    assert_eq!(names(db).await?, ["Ada", "Kurt", "Mary"]);
    Ok(())
});

on_every_backend!(verbs_of_one_transaction_may_run_at_once, async |db| {
    create_tables(db).await?;
    db.transaction(async |tx| {
        let (first, second) = tokio::join!(put(tx, "Ada"), put(tx, "Kurt"));
        first.and(second)
    })
    .await?;
    assert_eq!(names(db).await?, ["Ada", "Kurt"]);
    Ok(())
});

on_every_fresh!(
    a_transaction_on_a_database_that_is_not_connected_works,
    |fresh| {
        let db = fresh.database();
        runtime().block_on(async {
            create_tables(&db).await?;
            db.transaction(async |tx| put(tx, "Ada").await).await?;
            assert_eq!(names(&db).await?, ["Ada"]);
            Ok(())
        })
    }
);

on_every_fresh!(
    the_error_of_a_transaction_that_could_not_begin_says_where,
    |fresh| {
        let db = Database::builder(&fresh.url)
            .max_connections(1)
            .acquire_timeout(std::time::Duration::from_millis(500))
            .build()?;
        runtime().block_on(async {
            let _lifespan = db.connect().await?;
            let _held = db.pin().await?;
            let error = db.transaction(async |_| Ok(())).await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Timeout), "{error}");
            assert_eq!(error.origin().unwrap().file(), file!());
            Ok(())
        })
    }
);
