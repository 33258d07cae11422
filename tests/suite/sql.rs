//! Raw SQL: named and list parameters, and how its rows are read.

use estoult::{Decimal, Dialect, ErrorKind, FromRow, Schema, row::Cell, sql, value::Datum};
use uuid::Uuid;

use crate::support::{
    on_every_backend,
    schemas::{Author, author, book, create_tables},
};

#[derive(Debug, PartialEq, FromRow)]
struct Title {
    title: String,
    #[row(column = "author_id")]
    author: i64,
}

/// The type that a text is cast to.
fn text_type(dialect: Dialect) -> &'static str {
    if dialect == Dialect::MariaDb {
        "char"
    } else {
        "text"
    }
}

on_every_backend!(names_stand_for_values_however_often, async |db| {
    create_tables(db).await?;
    let kurt = author(db, "Kurt").await?;
    for (title, cents) in [("One", 100), ("Two", 200), ("Three", 300)] {
        book(db, &kurt, title, cents).await?;
    }
    let titles: Vec<(String,)> = sql(
        "select title from books where author_id = :author and price between :low and :high \
         and (title <> :title or :title = title) and title <> ':high' order by title",
    )
    .bind("low", Decimal::from(2))
    .bind("high", Decimal::from(3))
    .bind("title", "Two".to_owned())
    .bind("author", kurt.id)
    .all(db)
    .await?;
    // SQLite keeps decimals as text, and raw SQL compares them as such; these have one digit before the point.
    assert_eq!(titles.last().map(|title| title.0.as_str()), Some("Two"));
    Ok(())
});

on_every_backend!(lists_stand_in_parentheses, async |db| {
    create_tables(db).await?;
    let kurt = author(db, "Kurt").await?;
    for title in ["One", "Two", "Three"] {
        book(db, &kurt, title, 100).await?;
    }
    let count = async |titles: Vec<String>| {
        sql("select count(*) from books where title in (:titles)")
            .bind_list("titles", titles)
            .one::<(i64,)>(db)
            .await
    };
    assert_eq!(
        count(vec!["One".to_owned(), "Three".to_owned()]).await?,
        (2,)
    );
    assert_eq!(count(Vec::new()).await?, (0,));
    let many = (0..2000).map(|number| number.to_string());
    assert_eq!(count(many.chain(["Two".to_owned()]).collect()).await?, (1,));
    let ids: Vec<i64> = (0..2000).collect();
    let found = sql("select count(*) from authors where id in (:ids) and id not in (:none)")
        .bind_list("ids", ids)
        .bind_list("none", [-1_i64])
        .one::<(i64,)>(db)
        .await?;
    assert_eq!(found, (1,));
    Ok(())
});

on_every_backend!(long_lists_of_bytes_and_floats_are_exact, async |db| {
    let (bytes, double) = match db.dialect() {
        Dialect::Postgres => ("bytea", "double precision"),
        Dialect::Sqlite => ("blob", "real"),
        _ => ("blob", "double"),
    };
    sql(format!(
        "create table marks (mark {bytes} not null, share {double} not null)"
    ))
    .execute(db)
    .await?;
    let share = -8.513_067_243_149_956e-197;
    sql("insert into marks (mark, share) values (:mark, :share)")
        .bind("mark", vec![1_u8, 0, 255])
        .bind("share", share)
        .execute(db)
        .await?;
    let marks = (0..200_u8).map(|byte| vec![byte]).chain([vec![1, 0, 255]]);
    let found = sql("select count(*) from marks where mark in (:marks)").bind_list("marks", marks);
    assert_eq!(found.one::<(i64,)>(db).await?, (1,));
    let shares = (0..200).map(f64::from).chain([share]);
    let found = sql("select count(*) from marks where share in (:shares)");
    let found = found.bind_list("shares", shares);
    assert_eq!(found.one::<(i64,)>(db).await?, (1,));
    Ok(())
});

on_every_backend!(casts_and_quotes_are_left_alone, async |db| {
    let (text, cast) = match db.dialect() {
        Dialect::Postgres => ("select ':a', :a::text, '12'::int -- :b", "x"),
        _ => ("select ':a', :a, 12 -- :b", "x"),
    };
    let row: (String, String, i64) = sql(text).bind("a", cast.to_owned()).one(db).await?;
    assert_eq!(row, (":a".to_owned(), "x".to_owned(), 12));
    Ok(())
});

on_every_backend!(a_text_is_read_as_its_database_reads_it, async |db| {
    let (text, expected) = match db.dialect() {
        Dialect::Postgres => (
            "select e'\\':a' || (array['x', 'y', 'z'])[1:2]::text /* /* :b */ :c */ || (array[:a, ''])[(:n)]",
            "':a{x,y}v",
        ),
        Dialect::Sqlite => (
            "select [:b] || '\\' || :a || :n from (select 'x' as \":b\")",
            "x\\v1",
        ),
        _ => ("select concat('\\':a', :a, :n) # :b", "':av1"),
    };
    let row = sql(text).bind("a", "v").bind("n", 1);
    assert_eq!(row.one::<(String,)>(db).await?.0, expected);
    Ok(())
});

on_every_backend!(all_missing_and_unused_names_are_one_error, async |db| {
    let error = sql("select :first, :second, :first_one")
        .bind("first", 1)
        .bind("third", "secret".to_owned())
        .bind_list("fourth", [1])
        .all::<(i64,)>(db)
        .await
        .unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Configuration),
        "{error:?}"
    );
    let expected = "bind the parameters of raw SQL: \
        `:second` has no value; add `.bind(\"second\", …)`; \
        `:first_one` has no value; add `.bind(\"first_one\", …)`; \
        the value `third` is bound, but `:third` is not in the text; \
        the value `fourth` is bound, but `:fourth` is not in the text";
    assert_eq!(error.message(), expected);
    assert!(!error.to_string().contains("secret"), "{error}");
    Ok(())
});

on_every_backend!(one_text_takes_values_of_different_types, async |db| {
    let text = format!("select cast(:value as {})", text_type(db.dialect()));
    for _ in 0..2 {
        assert_eq!(
            sql(&text).bind("value", 5).one::<(String,)>(db).await?.0,
            "5"
        );
        let word = sql(&text).bind("value", "five".to_owned());
        assert_eq!(word.one::<(String,)>(db).await?.0, "five");
        let mark = sql(&text).bind("value", Some(Uuid::nil()));
        assert_eq!(mark.one::<(String,)>(db).await?.0, Uuid::nil().to_string());
        let none = sql(&text).bind("value", None::<i64>);
        assert_eq!(none.one::<(Option<String>,)>(db).await?.0, None);
    }
    Ok(())
});

on_every_backend!(a_struct_finds_its_columns_by_name, async |db| {
    create_tables(db).await?;
    let kurt = author(db, "Kurt").await?;
    book(db, &kurt, "One", 100).await?;
    let titles: Vec<Title> = sql("select price, author_id, id, title from books")
        .all(db)
        .await?;
    let expected = Title {
        title: "One".to_owned(),
        author: kurt.id,
    };
    assert_eq!(titles, [expected]);
    let authors: Vec<Author> = sql("select email, name, id from authors").all(db).await?;
    assert_eq!(authors, [kurt]);
    Ok(())
});

on_every_backend!(missing_columns_are_all_named, async |db| {
    create_tables(db).await?;
    let kurt = author(db, "Kurt").await?;
    book(db, &kurt, "One", 100).await?;
    let error = sql("select id, price from books")
        .all::<Title>(db)
        .await
        .unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Decode), "{error:?}");
    for part in ["`title`, `author_id`", "`id`, `price`"] {
        assert!(error.message().contains(part), "{error}");
    }
    Ok(())
});

on_every_backend!(one_and_optional_count_the_rows, async |db| {
    create_tables(db).await?;
    let all = || sql("select id from authors");
    assert!(all().one::<(i64,)>(db).await.unwrap_err().is_not_found());
    assert_eq!(all().optional::<(i64,)>(db).await?, None);
    let kurt = author(db, "Kurt").await?;
    assert_eq!(all().one::<(i64,)>(db).await?, (kurt.id,));
    author(db, "Ursula").await?;
    for error in [
        all().one::<(i64,)>(db).await.unwrap_err(),
        all().optional::<(i64,)>(db).await.unwrap_err(),
    ] {
        assert!(matches!(error.kind(), ErrorKind::TooMany), "{error:?}");
    }
    Ok(())
});

on_every_backend!(execute_tells_how_many_rows_it_changed, async |db| {
    create_tables(db).await?;
    for name in ["a", "b", "c"] {
        author(db, name).await?;
    }
    let changed = sql("update authors set name = :name where name <> :not")
        .bind("name", "z".to_owned())
        .bind("not", "c".to_owned());
    assert_eq!(changed.execute(db).await?, 2);
    assert_eq!(
        sql("delete from authors where name = 'x'")
            .execute(db)
            .await?,
        0
    );
    assert_eq!(
        Author::query()
            .filter(Author::name.eq("z"))
            .count(db)
            .await?,
        2
    );
    Ok(())
});

on_every_backend!(broken_sql_is_told_without_the_values, async |db| {
    let error = sql("selec :secret").bind("secret", "swordfish".to_owned());
    let error = error.all::<(i64,)>(db).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Query), "{error:?}");
    assert!(error.code().is_some(), "{error:?}");
    assert!(
        error
            .statement()
            .is_some_and(|text| text.starts_with("selec "))
    );
    assert!(
        !format!("{error} {error:?}").contains("swordfish"),
        "{error}"
    );
    Ok(())
});

on_every_backend!(a_script_runs_all_its_statements, async |db| {
    create_tables(db).await?;
    let script = "insert into authors (id, name) values (1, 'a;b'); insert into authors (id, name) values (2, 'c')";
    estoult::batch(db, script).await?;
    assert_eq!(Author::query().count(db).await?, 2);
    assert_eq!(
        Author::get(db, 1)
            .await?
            .map(|author| author.name)
            .as_deref(),
        Some("a;b")
    );
    Ok(())
});

on_every_backend!(
    rows_have_their_columns_and_say_how_many_changed,
    async |db| {
        sql("create table books (id integer primary key, title varchar(10))")
            .execute(db)
            .await?;
        let none = sql("select id, title from books").rows(db).await?;
        assert_eq!(none.columns(), ["id", "title"]);
        assert!(none.rows().is_empty());
        let inserted =
            sql("insert into books (id, title) values (:id, 'a'), (2, null)").bind("id", 1);
        let inserted = inserted.rows(db).await?;
        assert!(inserted.columns().is_empty());
        assert_eq!(inserted.rows_affected(), 2);
        let created = sql("create table other (id integer)").rows(db).await?;
        assert_eq!((created.columns().len(), created.rows_affected()), (0, 0));
        let books = sql("select id, title from books order by id")
            .rows(db)
            .await?;
        assert_eq!(books.rows()[0][0].as_datum(), Some(&Datum::Int(1)));
        assert_eq!(books.rows()[1], [Cell::Value(Datum::Int(2)), Cell::Null]);
        let text: Vec<_> = books.rows().concat().iter().map(Cell::to_string).collect();
        assert_eq!(text, ["1", "a", "2", "NULL"]);
        Ok(())
    }
);

on_every_backend!(several_statements_or_no_values_are_an_error, async |db| {
    for (statement, remedy) in [
        (sql("select 1; select 2"), "`batch`"),
        (sql("select :a").raw(), "bind it"),
    ] {
        let error = statement.all::<(i64,)>(db).await.unwrap_err();
        // The servers say it in their own words.
        if db.dialect() == Dialect::Sqlite {
            assert!(error.message().contains(remedy), "{error}");
        }
    }
    Ok(())
});
