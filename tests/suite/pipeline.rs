//! Pipelines: independent statements that are sent together.

use std::time::Duration;

use estoult::{Database, Dialect, ErrorKind, Schema, sql};

use super::cancel::slow;
use crate::support::{
    Backend, on_every_backend, on_every_fresh, run, runtime,
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

#[test]
fn a_copy_is_refused_and_takes_no_neighbour_with_it() {
    run(Backend::Postgres, async |db| {
        create_tables(db).await?;
        author(db, "Kurt").await?;
        let number = |number: i32| sql(format!("select {number}")).into_rows::<(i32,)>();
        for copy in [
            "copy authors (name) from stdin",
            "/* x */ COPY authors (name) FROM STDOUT",
            "copy authors to stdout",
        ] {
            let rename = sql("update authors set name = name || '.'");
            let (copied, renamed, one, two) = db
                .pipeline((sql(copy), rename, number(1), number(2)))
                .await?;
            let error = copied.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error:?}");
            assert_eq!(
                (renamed?, one?, two?),
                (1, vec![(1,)], vec![(2,)]),
                "{copy}"
            );
        }
        let names = Author::query().select(Author::name).all(db).await?;
        assert_eq!(names, ["Kurt..."]);
        // In a transaction nothing was sent that could abort it.
        db.transaction(async |tx| {
            let copy = sql("copy authors (name) from stdin");
            let (copied, one) = tx.pipeline((copy, number(1))).await?;
            assert!(copied.is_err());
            one.map(drop)
        })
        .await
    });
}

on_every_fresh!(a_pipeline_has_the_time_of_its_longest_statement, |fresh| {
    let short = Duration::from_millis(100);
    let long = Duration::from_secs(60);
    let db = Database::builder(&fresh.url)
        .max_connections(1)
        .acquire_timeout(long)
        .build()?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        let nap = match db.dialect() {
            Dialect::Postgres => "select pg_sleep(0.5)",
            Dialect::Sqlite => {
                "with recursive counter (n) as (select 1 union all select n + 1 from counter \
                where n < 3000000) select max(n) from counter"
            }
            _ => "select sleep(0.5)",
        };
        let quick = || sql("select 1").timeout(short);
        let (first, second) = db.pipeline((quick(), sql(nap).timeout(long))).await?;
        first.and(second)?;
        // One without a limit has none where the database has none.
        let (first, second) = db.pipeline((quick(), sql(nap))).await?;
        first.and(second)?;
        let endless = sql(slow(db.dialect())).timeout(short);
        let (first, second) = db.pipeline((quick(), endless)).await?;
        first?;
        let error = second.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
        lifespan.close().await
    })
});
