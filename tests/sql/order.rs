//! Orders, and where NULL stands in them.

use estoult::Schema;
use insta::assert_snapshot;

use super::{
    schemas::{Book, books},
    side_by_side,
};

#[test]
fn orders_follow_each_other() {
    let query = books()
        .order_by(Book::author_id.asc())
        .order_by(Book::title.desc());
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite, PostgreSQL:
        SELECT "books"."id" FROM "library"."books" ORDER BY "books"."author_id" ASC, "books"."title" DESC
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` ORDER BY `books`.`author_id` ASC, `books`.`title` DESC
    "#);
}

#[test]
fn null_comes_first() {
    assert_snapshot!(side_by_side(&books().order_by(Book::subtitle.asc().nulls_first())), @r#"
    SQLite, PostgreSQL:
        SELECT "books"."id" FROM "library"."books" ORDER BY "books"."subtitle" ASC NULLS FIRST
    MySQL, MariaDB:
        SELECT `books`.`id`
        FROM `library`.`books`
        ORDER BY `books`.`subtitle` IS NULL DESC, `books`.`subtitle` ASC
    "#);
}

#[test]
fn null_comes_last() {
    assert_snapshot!(side_by_side(&books().order_by(Book::subtitle.desc().nulls_last())), @r#"
    SQLite, PostgreSQL:
        SELECT "books"."id" FROM "library"."books" ORDER BY "books"."subtitle" DESC NULLS LAST
    MySQL, MariaDB:
        SELECT `books`.`id`
        FROM `library`.`books`
        ORDER BY `books`.`subtitle` IS NULL ASC, `books`.`subtitle` DESC
    "#);
}

#[test]
fn decimals_are_ordered_as_numbers() {
    assert_snapshot!(side_by_side(&books().order_by(Book::price.desc().nulls_last())), @r#"
    SQLite:
        SELECT "books"."id"
        FROM "library"."books"
        ORDER BY "books"."price" COLLATE estoult_decimal DESC NULLS LAST
    PostgreSQL:
        SELECT "books"."id" FROM "library"."books" ORDER BY "books"."price" DESC NULLS LAST
    MySQL, MariaDB:
        SELECT `books`.`id`
        FROM `library`.`books`
        ORDER BY `books`.`price` IS NULL ASC, `books`.`price` DESC
    "#);
}

#[test]
fn groups_are_ordered_by_what_was_counted() {
    let query = Book::query()
        .group_by(Book::author_id)
        .order_by(estoult::count_rows().desc())
        .select(Book::author_id);
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite, PostgreSQL:
        SELECT "books"."author_id"
        FROM "library"."books"
        GROUP BY "books"."author_id"
        ORDER BY COUNT(*) DESC
    MySQL, MariaDB:
        SELECT `books`.`author_id`
        FROM `library`.`books`
        GROUP BY `books`.`author_id`
        ORDER BY COUNT(*) DESC
    "#);
}
