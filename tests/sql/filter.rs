//! Conditions: comparisons, nulls, and how they are joined.

use estoult::{Decimal, Predicate, Schema};
use insta::assert_snapshot;

use super::{
    schemas::{Book, Mood, Reading, books},
    side_by_side,
};

#[test]
fn every_comparison_binds_its_value() {
    let query = books()
        .filter(Book::id.eq(1))
        .filter(Book::id.ne(2))
        .filter(Book::id.lt(3))
        .filter(Book::id.le(4))
        .filter(Book::id.gt(5))
        .filter(Book::id.ge(6));
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite:
        SELECT "books"."id"
        FROM "library"."books"
        WHERE "books"."id" = ? AND "books"."id" <> ? AND "books"."id" < ? AND "books"."id" <= ? AND
        "books"."id" > ? AND "books"."id" >= ?
        [an integer, an integer, an integer, an integer, an integer, an integer]
    PostgreSQL:
        SELECT "books"."id"
        FROM "library"."books"
        WHERE "books"."id" = $1 AND "books"."id" <> $2 AND "books"."id" < $3 AND "books"."id" <= $4 AND
        "books"."id" > $5 AND "books"."id" >= $6
        [an integer, an integer, an integer, an integer, an integer, an integer]
    MySQL, MariaDB:
        SELECT `books`.`id`
        FROM `library`.`books`
        WHERE `books`.`id` = ? AND `books`.`id` <> ? AND `books`.`id` < ? AND `books`.`id` <= ? AND
        `books`.`id` > ? AND `books`.`id` >= ?
        [an integer, an integer, an integer, an integer, an integer, an integer]
    "#);
}

#[test]
fn columns_are_compared_with_columns() {
    assert_snapshot!(side_by_side(&books().filter(Book::id.eq(Book::author_id))), @r#"
    SQLite, PostgreSQL:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."id" = "books"."author_id"
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE `books`.`id` = `books`.`author_id`
    "#);
}

#[test]
fn equal_to_none_is_null() {
    let query = books()
        .filter(Book::subtitle.eq(None))
        .filter(Book::mood.ne(None));
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite, PostgreSQL:
        SELECT "books"."id"
        FROM "library"."books"
        WHERE "books"."subtitle" IS NULL AND "books"."mood" IS NOT NULL
    MySQL, MariaDB:
        SELECT `books`.`id`
        FROM `library`.`books`
        WHERE `books`.`subtitle` IS NULL AND `books`.`mood` IS NOT NULL
    "#);
}

#[test]
fn an_optional_column_is_compared_with_what_it_holds() {
    let query = books()
        .filter(Book::subtitle.eq("or"))
        .filter(Book::subtitle.eq(Some("and".to_owned())));
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."subtitle" = ? AND "books"."subtitle" = ?
        [text, text]
    PostgreSQL:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."subtitle" = $1 AND "books"."subtitle" = $2
        [text, text]
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE `books`.`subtitle` = ? AND `books`.`subtitle` = ?
        [text, text]
    "#);
}

#[test]
fn null_is_asked_for_by_name() {
    let query = books()
        .filter(Book::subtitle.is_null())
        .filter(Book::cover.is_not_null());
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite, PostgreSQL:
        SELECT "books"."id"
        FROM "library"."books"
        WHERE "books"."subtitle" IS NULL AND "books"."cover" IS NOT NULL
    MySQL, MariaDB:
        SELECT `books`.`id`
        FROM `library`.`books`
        WHERE `books`.`subtitle` IS NULL AND `books`.`cover` IS NOT NULL
    "#);
}

#[test]
fn a_condition_keeps_its_parentheses() {
    let either = Book::id.eq(1).or(Book::id.eq(2));
    let query = books()
        .filter(either.clone().and(Book::published.eq(true)))
        .filter(either.and(Book::author_id.eq(3)).not());
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite:
        SELECT "books"."id"
        FROM "library"."books"
        WHERE ("books"."id" = ? OR "books"."id" = ?) AND "books"."published" = ? AND (NOT (("books"."id" = ?
        OR "books"."id" = ?) AND "books"."author_id" = ?))
        [an integer, an integer, a truth value, an integer, an integer, an integer]
    PostgreSQL:
        SELECT "books"."id"
        FROM "library"."books"
        WHERE ("books"."id" = $1 OR "books"."id" = $2) AND "books"."published" = $3 AND (NOT (("books"."id"
        = $4 OR "books"."id" = $5) AND "books"."author_id" = $6))
        [an integer, an integer, a truth value, an integer, an integer, an integer]
    MySQL, MariaDB:
        SELECT `books`.`id`
        FROM `library`.`books`
        WHERE (`books`.`id` = ? OR `books`.`id` = ?) AND `books`.`published` = ? AND (NOT ((`books`.`id` = ?
        OR `books`.`id` = ?) AND `books`.`author_id` = ?))
        [an integer, an integer, a truth value, an integer, an integer, an integer]
    "#);
}

#[test]
fn operators_are_words() {
    let query = books().filter(!(Book::id.eq(1) | Book::id.eq(2)) & Book::published.is_true());
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite:
        SELECT "books"."id"
        FROM "library"."books"
        WHERE (NOT ("books"."id" = ? OR "books"."id" = ?)) AND "books"."published"
        [an integer, an integer]
    PostgreSQL:
        SELECT "books"."id"
        FROM "library"."books"
        WHERE (NOT ("books"."id" = $1 OR "books"."id" = $2)) AND "books"."published"
        [an integer, an integer]
    MySQL, MariaDB:
        SELECT `books`.`id`
        FROM `library`.`books`
        WHERE (NOT (`books`.`id` = ? OR `books`.`id` = ?)) AND `books`.`published`
        [an integer, an integer]
    "#);
}

#[test]
fn all_of_none_is_true_and_any_of_none_is_false() {
    let query = books()
        .filter(Predicate::all([]))
        .filter(Predicate::any([]));
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite, PostgreSQL:
        SELECT "books"."id" FROM "library"."books" WHERE (1 = 1) AND (1 = 0)
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE (1 = 1) AND (1 = 0)
    "#);
}

#[test]
fn between_takes_both_ends_in() {
    assert_snapshot!(side_by_side(&books().filter(Book::id.between(1, 9).not())), @r#"
    SQLite:
        SELECT "books"."id" FROM "library"."books" WHERE NOT ("books"."id" >= ? AND "books"."id" <= ?)
        [an integer, an integer]
    PostgreSQL:
        SELECT "books"."id" FROM "library"."books" WHERE NOT ("books"."id" >= $1 AND "books"."id" <= $2)
        [an integer, an integer]
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE NOT (`books`.`id` >= ? AND `books`.`id` <= ?)
        [an integer, an integer]
    "#);
}

#[test]
fn an_optional_filter_without_a_value_is_none() {
    let query = books()
        .filter_some(None, |id: i64| Book::id.eq(id))
        .filter_some(Some(3), |id| Book::id.eq(id));
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."id" = ?
        [an integer]
    PostgreSQL:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."id" = $1
        [an integer]
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE `books`.`id` = ?
        [an integer]
    "#);
}

#[test]
fn decimals_are_compared_as_numbers() {
    let query = books().filter(Book::price.lt(Decimal::new(1050, 2)));
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite:
        SELECT "books"."id" FROM "library"."books" WHERE ("books"."price" COLLATE estoult_decimal) < ?
        [a decimal number]
    PostgreSQL:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."price" < $1
        [a decimal number]
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE `books`.`price` < ?
        [a decimal number]
    "#);
}

#[test]
fn a_label_is_cast_to_its_type() {
    assert_snapshot!(side_by_side(&books().filter(Book::mood.eq(Mood::Sad))), @r#"
    SQLite:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."mood" = ?
        [text]
    PostgreSQL:
        SELECT "books"."id"
        FROM "library"."books"
        WHERE "books"."mood" = (CAST($1 AS "Mood of the ""reader"", $1?"))
        [text]
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE `books`.`mood` = ?
        [text]
    "#);
}

#[test]
fn bytes_are_bound() {
    assert_snapshot!(side_by_side(&books().filter(Book::cover.eq(vec![0, 255]))), @r#"
    SQLite:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."cover" = ?
        [bytes]
    PostgreSQL:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."cover" = $1
        [bytes]
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE `books`.`cover` = ?
        [bytes]
    "#);
}

#[test]
fn a_text_is_never_part_of_the_statement() {
    let query = books().filter(Book::title.eq("'; drop table books; -- ? $1"));
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."title" = ?
        [text]
    PostgreSQL:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."title" = $1
        [text]
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE `books`.`title` = ?
        [text]
    "#);
}

#[test]
fn text_with_nul_is_refused_where_it_can_not_be_stored() {
    assert_snapshot!(side_by_side(&books().filter(Book::title.eq("a\0b"))), @r#"
    SQLite:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."title" = ?
        [text]
    PostgreSQL:
        Decode: bind a value for `books.title` on PostgreSQL: text with the character NUL, which this
        database can't hold
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE `books`.`title` = ?
        [text]
    "#);
}

#[test]
fn a_float_that_is_no_number_is_refused_where_it_can_not_be_stored() {
    let query = Reading::query()
        .select(Reading::id)
        .filter(Reading::value.ne(f64::NAN));
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite:
        Decode: bind a value for `readings.value` on SQLite: a float that is no number, which this database
        can't hold
    PostgreSQL:
        SELECT "readings"."id" FROM "readings" WHERE "readings"."value" <> $1
        [a floating point number]
    MySQL:
        Decode: bind a value for `readings.value` on MySQL: a float that is no number, which this database
        can't hold
    MariaDB:
        Decode: bind a value for `readings.value` on MariaDB: a float that is no number, which this database
        can't hold
    "#);
}

#[test]
fn an_integer_above_the_signed_range_is_refused_where_it_can_not_be_stored() {
    let query = Reading::query()
        .select(Reading::id)
        .filter(Reading::count.lt(u64::MAX));
    assert_snapshot!(side_by_side(&query), @r"
    SQLite:
        Decode: bind a value for `readings.count` on SQLite: an integer above 9223372036854775807, which
        this database can't hold
    PostgreSQL:
        Decode: bind a value for `readings.count` on PostgreSQL: an integer above 9223372036854775807, which
        this database can't hold
    MySQL, MariaDB:
        SELECT `readings`.`id` FROM `readings` WHERE `readings`.`count` < ?
        [an integer]
    ");
}

#[test]
fn rows_of_another_database_are_not_asked_for() {
    let query = Reading::query().filter(Reading::books.any(Book::published.eq(true)));
    assert_snapshot!(side_by_side(&query), @r"
    SQLite, PostgreSQL, MySQL, MariaDB:
        Unsupported: filter rows of `readings` by rows of `books`: `readings` is in the database `lab`,
        `books` is in the default one, and a statement runs in one database; read the keys from the other
        one first and filter with `in_list`, or preload
    ");
}
