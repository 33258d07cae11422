//! How many statements preloads take, as the servers count them (SQLite does not count), and how SQLite runs them.

use std::sync::{Arc, Mutex};

use estoult::{Database, Dialect, Pinned, Query, Result, observe::Event, sql};

use super::{Author, Book, authors, library};
use crate::support::{
    Backend, on_every_backend, run,
    schemas::{author, book, create_tables},
};

/// How many prepared statements this session has run, the ones that ask for it included on MariaDB.
async fn executed(pinned: &Pinned) -> Result<Option<i64>> {
    let text = match pinned.features().await.dialect {
        Dialect::Sqlite => return Ok(None),
        Dialect::Postgres => {
            "select cast(coalesce(sum(generic_plans + custom_plans), 0) as bigint) \
             from pg_prepared_statements where statement like 'SELECT%'"
        }
        _ => {
            "select cast(variable_value as signed) from information_schema.session_status \
             where variable_name = 'COM_STMT_EXECUTE'"
        }
    };
    let (count,) = sql(text).one::<(i64,)>(pinned).await?;
    Ok(Some(count))
}

/// How many statements one asking adds by itself.
async fn own(pinned: &Pinned) -> Result<i64> {
    let first = executed(pinned).await?.unwrap_or_default();
    Ok(executed(pinned).await?.unwrap_or_default() - first)
}

on_every_backend!(one_statement_an_association_and_level, async |db| {
    library(db).await?;
    let pinned = db.pin().await?;
    let own = own(&pinned).await?;
    let before = executed(&pinned).await?;
    authors().all(&pinned).await?;
    let plain = executed(&pinned).await?;
    authors().preload(Author::books).all(&pinned).await?;
    let one = executed(&pinned).await?;
    authors()
        .preload(Author::books.preload(Book::author.preload(Author::profile)))
        .preload(Author::profile)
        .all(&pinned)
        .await?;
    let nested = executed(&pinned).await?;
    let between = |from: Option<i64>, to: Option<i64>| Some(to? - from? - own);
    let counts = [
        between(before, plain),
        between(plain, one),
        between(one, nested),
    ];
    if db.dialect() == Dialect::Sqlite {
        assert_eq!(counts, [None; 3]);
    } else {
        assert_eq!(counts, [Some(1), Some(2), Some(5)]);
    }
    Ok(())
});

on_every_backend!(no_rows_and_no_keys_take_no_further_statement, async |db| {
    library(db).await?;
    let pinned = db.pin().await?;
    let own = own(&pinned).await?;
    let before = executed(&pinned).await?;
    let none = authors().filter(Author::name.eq("x"));
    none.preload(Author::books.preload(Book::author))
        .all(&pinned)
        .await?;
    let after = executed(&pinned).await?;
    let count = before
        .zip(after)
        .map(|(before, after)| after - before - own);
    let expected = (db.dialect() != Dialect::Sqlite).then_some(1);
    assert_eq!(count, expected);
    Ok(())
});

/// How SQLite runs the select of a preload, and the statement itself.
async fn plan(
    db: &Database,
    query: Query<Author, (Author, Vec<Book>)>,
) -> Result<(String, String)> {
    let selects = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&selects);
    let observed = db.observed_by(move |event: &Event<'_>| {
        told.lock().unwrap().push(event.sql.to_owned());
    });
    query.all(&observed).await?;
    let select = selects.lock().unwrap().pop().unwrap();
    let explained = select.replacen('?', ":keys", 1);
    let steps = sql(format!("explain query plan {explained}")).bind("keys", "[1, 2]");
    let steps: Vec<(i64, i64, i64, String)> = steps.all(db).await?;
    let steps: Vec<_> = steps.into_iter().map(|(_, _, _, step)| step).collect();
    Ok((steps.join("\n"), select))
}

#[test]
fn sqlite_sorts_nothing_where_the_key_has_an_index() {
    run(Backend::Sqlite, async |db| {
        library(db).await?;
        sql("create index books_of_author on books (author_id)")
            .execute(db)
            .await?;
        sql("create index books_by_title on books (author_id, title)")
            .execute(db)
            .await?;
        let orders = [
            (
                Book::id.asc(),
                "ORDER BY \"books\".\"author_id\" ASC, \"books\".\"id\" ASC",
            ),
            (
                Book::id.desc(),
                "ORDER BY \"books\".\"author_id\" DESC, \"books\".\"id\" DESC",
            ),
            (
                Book::title.desc(),
                "ORDER BY \"books\".\"author_id\" DESC, \"books\".\"title\" DESC",
            ),
        ];
        for (order, text) in orders {
            let (plan, select) = plan(db, authors().preload(Author::books.order_by(order))).await?;
            assert!(select.ends_with(text), "{select}");
            assert!(plan.contains("USING INDEX books_"), "{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        }
        let (plan, select) = plan(db, authors().preload(Author::books)).await?;
        assert!(
            !select.contains("ORDER BY") && !plan.contains("TEMP B-TREE"),
            "{plan}"
        );
        Ok(())
    });
}

on_every_backend!(rows_of_each_group_keep_the_order_asked_for, async |db| {
    create_tables(db).await?;
    let mut expected = Vec::new();
    for number in 0..4 {
        let author = author(db, &format!("author {number}")).await?;
        let mut books = Vec::new();
        for (title, cents) in [("b", 300), ("a", 200), ("c", 300), ("d", 100)] {
            books.push(book(db, &author, title, cents + number).await?);
        }
        expected.push((author, books));
    }
    let by = |books: &[Book], order: [usize; 4]| order.map(|index| books[index].clone());
    let dearest = Author::books
        .order_by(Book::price.desc())
        .order_by(Book::title.asc());
    let rows = authors().preload(dearest.limit(3)).all(db).await?;
    for ((_, books), (_, all)) in rows.iter().zip(&expected) {
        assert_eq!(*books, by(all, [0, 2, 1, 3])[..3]);
    }
    let titles = Author::books
        .order_by(Book::published.asc())
        .order_by(Book::title.desc());
    let rows = authors().preload(titles).all(db).await?;
    for ((_, books), (_, all)) in rows.iter().zip(&expected) {
        assert_eq!(*books, by(all, [3, 2, 0, 1]));
    }
    Ok(())
});
