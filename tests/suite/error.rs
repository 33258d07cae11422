//! Errors: the source behind them, what a database adds to its message, and the values that none of it holds.

mod detail;
mod secret;

use std::{error::Error as StdError, io};

use estoult::{Database, Dialect, Error, ErrorKind, backend::DatabaseError, batch, sql};

use crate::support::{mask, on_every_backend, on_every_fresh, runtime};

/// All that a program could write of an error into a log.
fn all_texts(error: &Error) -> String {
    let mut texts = format!("{error}\n{error:?}\n{:?}", error.kind());
    let mut source = error.source();
    while let Some(cause) = source {
        texts.push_str(&format!("\n{cause}\n{cause:?}"));
        source = cause.source();
    }
    let fields = [error.detail(), error.hint(), error.code()];
    fields.into_iter().flatten().for_each(|field| {
        texts.push('\n');
        texts.push_str(field);
    });
    texts
}

on_every_backend!(what_the_database_answered_is_the_source, async |db| {
    let error = sql("select * from bookz").execute(db).await.unwrap_err();
    let source = error.source().unwrap();
    let answer = source.downcast_ref::<DatabaseError>().unwrap();
    assert_eq!(Some(answer.code()), error.code());
    assert_eq!(answer.message(), error.message());
    let expected = format!(
        "the database's error {}: {}",
        answer.code(),
        error.message()
    );
    assert_eq!(source.to_string(), expected);
    assert!(source.source().is_none());
    assert_eq!(error.database_error(), Some(answer));
    Ok(())
});

on_every_backend!(a_clone_has_the_same_source, async |db| {
    let error = sql("select * from bookz").execute(db).await.unwrap_err();
    let clone = error.clone();
    let same = std::ptr::eq(
        error.database_error().unwrap(),
        clone.database_error().unwrap(),
    );
    assert!(same);
    Ok(())
});

on_every_backend!(an_error_of_a_program_has_no_source, async |_| {
    let error = Error::custom("the order is closed");
    assert!(error.source().is_none());
    assert_eq!(
        (error.detail(), error.hint(), error.position()),
        (None, None, None)
    );
    Ok(())
});

#[test]
fn a_refused_connection_keeps_the_error_of_the_system() {
    for scheme in ["postgres", "mysql"] {
        let url = format!("{scheme}://app:hidden@127.0.0.1:1/shop");
        let db = Database::builder(url).build().unwrap();
        let error = runtime().block_on(async { db.connect().await.unwrap_err() });
        assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
        let cause = error.source().unwrap().downcast_ref::<io::Error>().unwrap();
        assert_eq!(cause.kind(), io::ErrorKind::ConnectionRefused);
        assert!(error.message().starts_with("`default` ("), "{error}");
        assert!(!all_texts(&error).contains("hidden"), "{error:?}");
    }
}

on_every_fresh!(a_database_that_is_not_there_keeps_the_answer, |fresh| {
    let url = fresh.url.replace(fresh.name(), "estoult_absent");
    let db = Database::builder(url).build()?;
    let error = runtime().block_on(async { db.connect().await.unwrap_err() });
    assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
    assert_eq!(
        error.database_error().map(DatabaseError::code),
        error.code()
    );
    assert!(error.code().is_some(), "{error:?}");
    Ok(())
});

on_every_backend!(the_position_counts_characters, async |db| {
    let text = "select 'äöü', titel from (select 1 as title) as books";
    let error = sql(text).execute(db).await.unwrap_err();
    let expected = match db.dialect() {
        Dialect::Postgres | Dialect::Sqlite => Some(15),
        _ => None,
    };
    assert_eq!(error.position(), expected);
    let shown = error.to_string().contains("\n  position: 15, at `titel`\n");
    assert_eq!(shown, expected.is_some(), "{error}");
    Ok(())
});

on_every_backend!(a_position_in_a_script_counts_from_its_start, async |db| {
    let script = "select 1; -- ä\n select titel from (select 1 as title) as books; select 2";
    let error = batch(db, script).await.unwrap_err();
    let expected = match db.dialect() {
        Dialect::Postgres | Dialect::Sqlite => Some(24),
        _ => None,
    };
    assert_eq!(error.position(), expected, "{error}");
    Ok(())
});

on_every_backend!(spaces_around_a_statement_are_counted, async |db| {
    let error = sql("  \n selec 1  ").execute(db).await.unwrap_err();
    let expected = match db.dialect() {
        Dialect::Postgres | Dialect::Sqlite => Some(5),
        _ => None,
    };
    assert_eq!(error.position(), expected, "{error}");
    Ok(())
});

on_every_backend!(
    position_and_hint_are_shown_in_lines_of_their_own,
    async |db| {
        let text = "select books.titel from (select 1 as title) as books";
        let error = sql(text).execute(db).await.unwrap_err();
        let shown = error.to_string();
        match db.dialect() {
            Dialect::Postgres => {
                let hint = r#"Perhaps you meant to reference the column "books.title"."#;
                assert_eq!(error.hint(), Some(hint));
                insta::assert_snapshot!(mask(&shown), @r#"
            column books.titel does not exist
              statement: select books.titel from (select # as title) as books
              position: #, at `books.titel`
              hint: Perhaps you meant to reference the column "books.title".
              at: tests/suite/error.rs:#
            "#);
            }
            Dialect::Sqlite => insta::assert_snapshot!(mask(&shown), @r"
        no such column: books.titel
          statement: select books.titel from (select # as title) as books
          position: #, at `books.titel`
          at: tests/suite/error.rs:#
        "),
            _ => assert!(
                !shown.contains("position") && !shown.contains("hint"),
                "{shown}"
            ),
        }
        Ok(())
    }
);

on_every_backend!(a_constraint_has_names_beside_the_detail, async |db| {
    sql("create table books (title varchar(20) not null)")
        .execute(db)
        .await?;
    let error = sql("insert into books (title) values (null)")
        .execute(db)
        .await
        .unwrap_err();
    assert!(error.constraint().is_some(), "{error:?}");
    let answer = error.database_error().unwrap();
    let (schema, table, column) = (answer.schema(), answer.table(), answer.column());
    let expected = match db.dialect() {
        Dialect::Postgres => (Some("public"), Some("books"), Some("title")),
        _ => (None, None, None),
    };
    assert_eq!((schema, table, column), expected);
    assert_eq!((answer.constraint(), answer.data_type()), (None, None));
    Ok(())
});
