//! How many statements preloads take, as the servers count them. SQLite does not count.

use estoult::{Dialect, Pinned, Result, sql};

use super::{Author, Book, authors, library};
use crate::support::on_every_backend;

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
