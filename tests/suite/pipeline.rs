//! Pipelines: independent statements that are sent together.

use estoult::{Dialect, ErrorKind, Schema, sql};

use crate::support::{
    on_every_backend,
    schemas::{Author, Book, author, book, create_tables},
};

on_every_backend!(each_statement_has_its_own_outcome, async |db| {
    create_tables(db).await?;
    let kurt = author(db, "Kurt").await?;
    book(db, &kurt, "One", 100).await?;
    let update = Author::query()
        .filter(Author::id.eq(kurt.id))
        .set(Author::name, "K.");
    let (authors, missing, changed, count) = db
        .pipeline((
            Author::query(),
            sql("select * from nowhere"),
            update,
            sql("select count(*) from books").into_rows::<(i64,)>(),
        ))
        .await?;
    assert_eq!(authors?.len(), 1);
    let error = missing.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Query), "{error:?}");
    assert_eq!(changed?, 1);
    assert_eq!(count?, [(1,)]);
    // The update was committed whatever became of its neighbour.
    let read = Author::get(db, kurt.id).await?;
    assert_eq!(read.map(|author| author.name).as_deref(), Some("K."));
    Ok(())
});

on_every_backend!(statements_of_one_text_share_a_pipeline, async |db| {
    create_tables(db).await?;
    let kurt = author(db, "Kurt").await?;
    for title in ["One", "Two", "Three"] {
        book(db, &kurt, title, 100).await?;
    }
    for _ in 0..2 {
        let titles = ["Three", "None", "One"];
        let queries = titles.map(|title| Book::query().filter(Book::title.eq(title)));
        let found = db.pipeline(Vec::from(queries)).await?;
        let found: Vec<_> = found
            .into_iter()
            .map(|books| books.unwrap().len())
            .collect();
        assert_eq!(found, [1, 0, 1]);
    }
    assert!(db.pipeline(Vec::<estoult::Sql>::new()).await?.is_empty());
    Ok(())
});

on_every_backend!(
    a_failure_in_a_transaction_rolls_back_all_of_it,
    async |db| {
        create_tables(db).await?;
        let outcome = db
            .transaction(async |tx| {
                sql("insert into authors (name) values ('Kurt')")
                    .execute(tx)
                    .await?;
                let (count, failed, after) = tx
                    .pipeline((
                        sql("select count(*) from authors").into_rows::<(i64,)>(),
                        sql("insert into nowhere (id) values (1)"),
                        Author::query(),
                    ))
                    .await?;
                assert_eq!(count?, [(1,)]);
                // PostgreSQL takes nothing behind the failure, the others go on.
                assert_eq!(after.is_err(), db.dialect() == Dialect::Postgres);
                failed.map(|_| ())
            })
            .await;
        outcome.unwrap_err();
        assert_eq!(Author::query().count(db).await?, 0);
        Ok(())
    }
);

on_every_backend!(a_pipeline_of_a_transaction_begins_it, async |db| {
    create_tables(db).await?;
    db.transaction(async |tx| {
        let insert = "insert into authors (name) values (:name)";
        let inserts = ["a", "b"].map(|name| sql(insert).bind("name", name));
        let inserted = tx.pipeline(Vec::from(inserts)).await?;
        assert!(inserted.into_iter().all(|outcome| outcome.is_ok()));
        Ok(())
    })
    .await?;
    assert_eq!(Author::query().count(db).await?, 2);
    Ok(())
});

on_every_backend!(a_query_with_preloads_is_refused, async |db| {
    create_tables(db).await?;
    let error = db
        .pipeline(Author::query().preload(Author::books))
        .await
        .unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Configuration),
        "{error:?}"
    );
    Ok(())
});
