//! Functions over many rows.

use estoult::{Schema, count_rows};
use insta::assert_snapshot;

use super::{schemas::Book, side_by_side};

#[test]
fn rows_and_values_are_counted() {
    let query = Book::query().select((
        count_rows(),
        Book::subtitle.count(),
        Book::author_id.count_distinct(),
    ));
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite, PostgreSQL:
        SELECT COUNT(*), COUNT("books"."subtitle"), COUNT(DISTINCT "books"."author_id")
        FROM "library"."books"
    MySQL, MariaDB:
        SELECT COUNT(*), COUNT(`books`.`subtitle`), COUNT(DISTINCT `books`.`author_id`)
        FROM `library`.`books`
    "#);
}

#[test]
fn integers_are_added_up() {
    assert_snapshot!(side_by_side(&Book::query().select((Book::id.sum(), Book::id.avg()))), @r#"
    SQLite, PostgreSQL:
        SELECT SUM("books"."id"), AVG("books"."id") FROM "library"."books"
    MySQL, MariaDB:
        SELECT SUM(`books`.`id`), AVG(`books`.`id`) FROM `library`.`books`
    "#);
}

#[test]
fn decimals_are_added_up_exactly() {
    assert_snapshot!(side_by_side(&Book::query().select((Book::price.sum(), Book::price.avg()))), @r#"
    SQLite:
        SELECT estoult_sum("books"."price"), estoult_avg("books"."price") FROM "library"."books"
    PostgreSQL:
        SELECT SUM("books"."price"), AVG("books"."price") FROM "library"."books"
    MySQL, MariaDB:
        SELECT SUM(`books`.`price`), AVG(`books`.`price`) FROM `library`.`books`
    "#);
}

#[test]
fn the_least_and_the_greatest_decimal_are_those_of_numbers() {
    assert_snapshot!(side_by_side(&Book::query().select((Book::price.min(), Book::price.max()))), @r#"
    SQLite:
        SELECT MIN("books"."price" COLLATE estoult_decimal), MAX("books"."price" COLLATE estoult_decimal)
        FROM "library"."books"
    PostgreSQL:
        SELECT MIN("books"."price"), MAX("books"."price") FROM "library"."books"
    MySQL, MariaDB:
        SELECT MIN(`books`.`price`), MAX(`books`.`price`) FROM `library`.`books`
    "#);
}

#[test]
fn a_group_is_kept_by_its_sum() {
    let query = Book::query()
        .group_by(Book::author_id)
        .having(Book::id.sum().gt(Some(100)))
        .select((Book::author_id, Book::id.sum()));
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite:
        SELECT "books"."author_id", SUM("books"."id")
        FROM "library"."books"
        GROUP BY "books"."author_id"
        HAVING SUM("books"."id") > ?
        [an integer]
    PostgreSQL:
        SELECT "books"."author_id", SUM("books"."id")
        FROM "library"."books"
        GROUP BY "books"."author_id"
        HAVING SUM("books"."id") > $1
        [an integer]
    MySQL, MariaDB:
        SELECT `books`.`author_id`, SUM(`books`.`id`)
        FROM `library`.`books`
        GROUP BY `books`.`author_id`
        HAVING SUM(`books`.`id`) > ?
        [an integer]
    "#);
}

#[test]
fn a_group_is_not_compared_with_text_that_can_not_be_stored() {
    let query = Book::query()
        .select(Book::author_id)
        .group_by(Book::author_id)
        .having(Book::title.max().eq("a\0b"));
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite:
        SELECT "books"."author_id"
        FROM "library"."books"
        GROUP BY "books"."author_id"
        HAVING MAX("books"."title") = ?
        [text]
    PostgreSQL:
        Decode: bind a value for `an expression` on PostgreSQL: text with the character NUL, which this
        database can't hold
    MySQL, MariaDB:
        SELECT `books`.`author_id`
        FROM `library`.`books`
        GROUP BY `books`.`author_id`
        HAVING MAX(`books`.`title`) = ?
        [text]
    "#);
}
