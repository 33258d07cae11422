//! Lists: one text for many lengths.

use estoult::Decimal;
use insta::assert_snapshot;

use super::{
    schemas::{Book, Mood, books},
    side_by_side,
};

#[test]
fn a_list_is_one_parameter_or_padded_to_a_power_of_two() {
    assert_snapshot!(side_by_side(&books().filter(Book::id.in_list([1, 2, 3]))), @r#"
    SQLite:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."id" IN (SELECT value FROM json_each(?))
        [3 values of Int64]
    PostgreSQL:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."id" = any($1)
        [3 values of Int64]
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE `books`.`id` IN (?, ?, ?, ?)
        [an integer, an integer, an integer, an integer]
    "#);
}

#[test]
fn an_empty_list_finds_no_row() {
    assert_snapshot!(side_by_side(&books().filter(Book::id.in_list([0_i64; 0]))), @r#"
    SQLite, PostgreSQL:
        SELECT "books"."id" FROM "library"."books" WHERE 1 = 0
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE 1 = 0
    "#);
}

#[test]
fn out_of_an_empty_list_is_every_row() {
    assert_snapshot!(side_by_side(&books().filter(Book::id.not_in_list([0_i64; 0]))), @r#"
    SQLite, PostgreSQL:
        SELECT "books"."id" FROM "library"."books" WHERE NOT (1 = 0)
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE NOT (1 = 0)
    "#);
}

#[test]
fn none_in_a_list_is_null() {
    let query = books().filter(Book::subtitle.in_list([Some("a".to_owned()), None]));
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite:
        SELECT "books"."id"
        FROM "library"."books"
        WHERE ("books"."subtitle" IN (SELECT value FROM json_each(?))) OR "books"."subtitle" IS NULL
        [1 values of Text]
    PostgreSQL:
        SELECT "books"."id"
        FROM "library"."books"
        WHERE ("books"."subtitle" = any($1)) OR "books"."subtitle" IS NULL
        [1 values of Text]
    MySQL, MariaDB:
        SELECT `books`.`id`
        FROM `library`.`books`
        WHERE `books`.`subtitle` IN (?) OR `books`.`subtitle` IS NULL
        [text]
    "#);
}

#[test]
fn none_of_a_list() {
    assert_snapshot!(side_by_side(&books().filter(Book::title.not_in_list(["a", "b"]))), @r#"
    SQLite:
        SELECT "books"."id"
        FROM "library"."books"
        WHERE NOT ("books"."title" IN (SELECT value FROM json_each(?)))
        [2 values of Text]
    PostgreSQL:
        SELECT "books"."id" FROM "library"."books" WHERE NOT ("books"."title" = any($1))
        [2 values of Text]
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE NOT `books`.`title` IN (?, ?)
        [text, text]
    "#);
}

#[test]
fn labels_in_a_list_are_cast_to_their_type() {
    let query = books().filter(Book::mood.in_list([Mood::Sad, Mood::Happy]));
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."mood" IN (SELECT value FROM json_each(?))
        [2 values of Enum(EnumType { name: "Mood of the \"reader\", $1?", labels: ["sad", "happy"] })]
    PostgreSQL:
        SELECT "books"."id"
        FROM "library"."books"
        WHERE "books"."mood" = any(CAST($1 AS "Mood of the ""reader"", $1?"[]))
        [2 values of Enum(EnumType { name: "Mood of the \"reader\", $1?", labels: ["sad", "happy"] })]
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE `books`.`mood` IN (?, ?)
        [text, text]
    "#);
}

#[test]
fn decimals_in_a_list_are_compared_as_numbers() {
    let prices = [Decimal::new(10, 0), Decimal::new(1000, 2)];
    assert_snapshot!(side_by_side(&books().filter(Book::price.in_list(prices))), @r#"
    SQLite:
        SELECT "books"."id"
        FROM "library"."books"
        WHERE "books"."price" COLLATE estoult_decimal IN (SELECT value FROM json_each(?))
        [2 values of Decimal]
    PostgreSQL:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."price" = any($1)
        [2 values of Decimal]
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE `books`.`price` IN (?, ?)
        [a decimal number, a decimal number]
    "#);
}

#[test]
fn bytes_in_a_list() {
    assert_snapshot!(side_by_side(&books().filter(Book::cover.in_list([vec![1, 2]]))), @r#"
    SQLite:
        SELECT "books"."id"
        FROM "library"."books"
        WHERE hex("books"."cover") IN (SELECT value FROM json_each(?))
        [1 values of Bytes]
    PostgreSQL:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."cover" = any($1)
        [1 values of Bytes]
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE `books`.`cover` IN (?)
        [bytes]
    "#);
}

#[test]
fn columns_in_a_list_are_compared_one_by_one() {
    assert_snapshot!(side_by_side(&books().filter(Book::id.in_list([Book::author_id]))), @r#"
    SQLite, PostgreSQL:
        SELECT "books"."id" FROM "library"."books" WHERE (1 = 0) OR "books"."id" = "books"."author_id"
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE (1 = 0) OR `books`.`id` = `books`.`author_id`
    "#);
}

#[test]
fn a_long_list_has_fewer_parameters_than_a_statement_may_have() {
    let query = books().filter(Book::id.in_list(0..100_000));
    for dialect in super::DIALECTS {
        let sql = query.to_sql(dialect).unwrap();
        assert!(sql.values().len() <= dialect.features().max_parameters);
        assert!(
            sql.text().len() < 1000,
            "{dialect}: a text of {}",
            sql.text().len()
        );
    }
}

#[test]
fn text_with_nul_in_a_list_is_refused_where_it_can_not_be_stored() {
    let query = books().filter(Book::title.in_list(["a", "a\0b"]));
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."title" IN (SELECT value FROM json_each(?))
        [2 values of Text]
    PostgreSQL:
        Decode: bind a value for `books.title` on PostgreSQL: text with the character NUL, which this
        database can't hold
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE `books`.`title` IN (?, ?)
        [text, text]
    "#);
}
