//! Patterns: upper and lower case differ, or not, on every database.

use estoult::query::escape_like;
use insta::assert_snapshot;

use super::{
    schemas::{Book, books},
    side_by_side,
};

#[test]
fn like_tells_upper_from_lower_case() {
    assert_snapshot!(side_by_side(&books().filter(Book::title.like("Gal_pagos%"))), @r#"
    SQLite:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."title" GLOB ?
        [text]
    PostgreSQL:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."title" LIKE $1
        [text]
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE `books`.`title` LIKE ? COLLATE utf8mb4_bin
        [text]
    "#);
}

#[test]
fn ilike_does_not() {
    assert_snapshot!(side_by_side(&books().filter(Book::title.ilike("gal_pagos%"))), @r#"
    SQLite:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."title" LIKE ? ESCAPE '\'
        [text]
    PostgreSQL:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."title" ILIKE $1
        [text]
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE lower(`books`.`title`) LIKE lower(?)
        [text]
    "#);
}

#[test]
fn an_optional_text_is_matched_too() {
    assert_snapshot!(side_by_side(&books().filter(Book::subtitle.like("%"))), @r#"
    SQLite:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."subtitle" GLOB ?
        [text]
    PostgreSQL:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."subtitle" LIKE $1
        [text]
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE `books`.`subtitle` LIKE ? COLLATE utf8mb4_bin
        [text]
    "#);
}

#[test]
fn a_literal_has_no_wildcards() {
    let query = books()
        .filter(Book::title.starts_with("100%"))
        .filter(Book::title.contains("a_b*c?d[e]"))
        .filter(Book::title.ends_with(r"\"));
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite:
        SELECT "books"."id"
        FROM "library"."books"
        WHERE ("books"."title" GLOB ?) AND ("books"."title" GLOB ?) AND ("books"."title" GLOB ?)
        [text, text, text]
    PostgreSQL:
        SELECT "books"."id"
        FROM "library"."books"
        WHERE ("books"."title" LIKE $1) AND ("books"."title" LIKE $2) AND ("books"."title" LIKE $3)
        [text, text, text]
    MySQL, MariaDB:
        SELECT `books`.`id`
        FROM `library`.`books`
        WHERE (`books`.`title` LIKE ? COLLATE utf8mb4_bin) AND (`books`.`title` LIKE ? COLLATE utf8mb4_bin)
        AND (`books`.`title` LIKE ? COLLATE utf8mb4_bin)
        [text, text, text]
    "#);
}

#[test]
fn escaped_wildcards_stay_escaped() {
    let query = books().filter(Book::title.like(format!("%{}_", escape_like("50%_*"))));
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."title" GLOB ?
        [text]
    PostgreSQL:
        SELECT "books"."id" FROM "library"."books" WHERE "books"."title" LIKE $1
        [text]
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE `books`.`title` LIKE ? COLLATE utf8mb4_bin
        [text]
    "#);
}

#[test]
fn the_opposite_of_like() {
    assert_snapshot!(side_by_side(&books().filter(Book::title.like("A%").not())), @r#"
    SQLite:
        SELECT "books"."id" FROM "library"."books" WHERE NOT ("books"."title" GLOB ?)
        [text]
    PostgreSQL:
        SELECT "books"."id" FROM "library"."books" WHERE NOT ("books"."title" LIKE $1)
        [text]
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE NOT (`books`.`title` LIKE ? COLLATE utf8mb4_bin)
        [text]
    "#);
}

#[test]
fn a_pattern_with_nul_is_refused_where_it_can_not_be_matched() {
    assert_snapshot!(side_by_side(&books().filter(Book::title.like("a\0%"))), @r"
    SQLite:
        Decode: bind a value for `books.title` on SQLite: a pattern with the character NUL, which this
        database can't hold
    PostgreSQL:
        Decode: bind a value for `books.title` on PostgreSQL: a pattern with the character NUL, which this
        database can't hold
    MySQL, MariaDB:
        SELECT `books`.`id` FROM `library`.`books` WHERE `books`.`title` LIKE ? COLLATE utf8mb4_bin
        [text]
    ");
}
