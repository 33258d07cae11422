//! The clauses of a query, and what it selects.

use estoult::{Schema, count_rows};
use insta::assert_snapshot;

use super::{
    schemas::{Book, Line},
    side_by_side,
};

#[test]
fn a_query_lists_all_columns() {
    assert_snapshot!(side_by_side(&Book::query()), @r#"
    SQLite, PostgreSQL:
        SELECT "books"."id", "books"."author_id", "books"."title", "books"."subtitle", "books"."price",
        "books"."published", "books"."mood", "books"."cover"
        FROM "library"."books"
    MySQL, MariaDB:
        SELECT `books`.`id`, `books`.`author_id`, `books`.`title`, `books`.`subtitle`, `books`.`price`,
        `books`.`published`, `books`.`mood`, `books`.`cover`
        FROM `library`.`books`
    "#);
}

#[test]
fn clauses_stand_in_the_order_of_sql_however_they_were_called() {
    let query = Book::query()
        .limit(10)
        .offset(20)
        .order_by(Book::title.asc())
        .having(count_rows().gt(1))
        .filter(Book::published.eq(true))
        .group_by(Book::title)
        .distinct()
        .select((Book::title, count_rows()));
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite:
        SELECT DISTINCT "books"."title", COUNT(*)
        FROM "library"."books"
        WHERE "books"."published" = ?
        GROUP BY "books"."title"
        HAVING COUNT(*) > ?
        ORDER BY "books"."title" ASC
        LIMIT 10 OFFSET 20
        [a truth value, an integer]
    PostgreSQL:
        SELECT DISTINCT "books"."title", COUNT(*)
        FROM "library"."books"
        WHERE "books"."published" = $1
        GROUP BY "books"."title"
        HAVING COUNT(*) > $2
        ORDER BY "books"."title" ASC
        LIMIT $3 OFFSET $4
        [a truth value, an integer, an integer, an integer]
    MySQL, MariaDB:
        SELECT DISTINCT `books`.`title`, COUNT(*)
        FROM `library`.`books`
        WHERE `books`.`published` = ?
        GROUP BY `books`.`title`
        HAVING COUNT(*) > ?
        ORDER BY `books`.`title` ASC
        LIMIT ? OFFSET ?
        [a truth value, an integer, an integer, an integer]
    "#);
}

#[test]
fn a_tuple_selects_columns_and_expressions() {
    let query = Book::query().group_by(Book::author_id).select((
        Book::author_id,
        Book::price.max(),
        count_rows(),
    ));
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite:
        SELECT "books"."author_id", MAX("books"."price" COLLATE estoult_decimal), COUNT(*)
        FROM "library"."books"
        GROUP BY "books"."author_id"
    PostgreSQL:
        SELECT "books"."author_id", MAX("books"."price"), COUNT(*)
        FROM "library"."books"
        GROUP BY "books"."author_id"
    MySQL, MariaDB:
        SELECT `books`.`author_id`, MAX(`books`.`price`), COUNT(*)
        FROM `library`.`books`
        GROUP BY `books`.`author_id`
    "#);
}

#[test]
fn one_column_is_selected_by_itself() {
    assert_snapshot!(side_by_side(&Book::query().select(Book::subtitle).distinct()), @r#"
    SQLite, PostgreSQL:
        SELECT DISTINCT "books"."subtitle" FROM "library"."books"
    MySQL, MariaDB:
        SELECT DISTINCT `books`.`subtitle` FROM `library`.`books`
    "#);
}

#[test]
fn a_struct_selects_its_fields_in_its_order() {
    assert_snapshot!(side_by_side(&Book::query().rows::<Line>()), @r#"
    SQLite, PostgreSQL:
        SELECT "books"."price", "books"."title" FROM "library"."books"
    MySQL, MariaDB:
        SELECT `books`.`price`, `books`.`title` FROM `library`.`books`
    "#);
}

#[test]
fn a_limit_is_a_literal_where_binding_it_costs_a_plan() {
    assert_snapshot!(side_by_side(&Book::query().filter(Book::id.gt(7)).limit(3)), @r#"
    SQLite:
        SELECT "books"."id", "books"."author_id", "books"."title", "books"."subtitle", "books"."price",
        "books"."published", "books"."mood", "books"."cover"
        FROM "library"."books"
        WHERE "books"."id" > ?
        LIMIT 3
        [an integer]
    PostgreSQL:
        SELECT "books"."id", "books"."author_id", "books"."title", "books"."subtitle", "books"."price",
        "books"."published", "books"."mood", "books"."cover"
        FROM "library"."books"
        WHERE "books"."id" > $1
        LIMIT $2
        [an integer, an integer]
    MySQL, MariaDB:
        SELECT `books`.`id`, `books`.`author_id`, `books`.`title`, `books`.`subtitle`, `books`.`price`,
        `books`.`published`, `books`.`mood`, `books`.`cover`
        FROM `library`.`books`
        WHERE `books`.`id` > ?
        LIMIT ?
        [an integer, an integer]
    "#);
}

#[test]
fn an_offset_without_a_limit_gets_the_limit_that_a_database_asks_for() {
    assert_snapshot!(side_by_side(&Book::query().offset(5)), @r#"
    SQLite:
        SELECT "books"."id", "books"."author_id", "books"."title", "books"."subtitle", "books"."price",
        "books"."published", "books"."mood", "books"."cover"
        FROM "library"."books"
        LIMIT 9223372036854775807 OFFSET 5
    PostgreSQL:
        SELECT "books"."id", "books"."author_id", "books"."title", "books"."subtitle", "books"."price",
        "books"."published", "books"."mood", "books"."cover"
        FROM "library"."books" OFFSET $1
        [an integer]
    MySQL, MariaDB:
        SELECT `books`.`id`, `books`.`author_id`, `books`.`title`, `books`.`subtitle`, `books`.`price`,
        `books`.`published`, `books`.`mood`, `books`.`cover`
        FROM `library`.`books`
        LIMIT 9223372036854775807 OFFSET ?
        [an integer]
    "#);
}

#[test]
fn a_limit_beyond_the_signed_range_is_the_greatest_number() {
    assert_snapshot!(side_by_side(&Book::query().limit(u64::MAX).offset(u64::MAX)), @r#"
    SQLite:
        SELECT "books"."id", "books"."author_id", "books"."title", "books"."subtitle", "books"."price",
        "books"."published", "books"."mood", "books"."cover"
        FROM "library"."books"
        LIMIT 9223372036854775807 OFFSET 9223372036854775807
    PostgreSQL:
        SELECT "books"."id", "books"."author_id", "books"."title", "books"."subtitle", "books"."price",
        "books"."published", "books"."mood", "books"."cover"
        FROM "library"."books"
        LIMIT $1 OFFSET $2
        [an integer, an integer]
    MySQL, MariaDB:
        SELECT `books`.`id`, `books`.`author_id`, `books`.`title`, `books`.`subtitle`, `books`.`price`,
        `books`.`published`, `books`.`mood`, `books`.`cover`
        FROM `library`.`books`
        LIMIT ? OFFSET ?
        [an integer, an integer]
    "#);
}
