//! Orders, and where NULL stands in them.

use estoult::Schema;

use super::{
    assert_side_by_side,
    schemas::{Book, books},
};

#[test]
fn orders_follow_each_other() {
    let query = books()
        .order_by(Book::author_id.asc())
        .order_by(Book::title.desc());
    assert_side_by_side!(query);
}

#[test]
fn null_comes_first() {
    assert_side_by_side!(books().order_by(Book::subtitle.asc().nulls_first()));
}

#[test]
fn null_comes_last() {
    assert_side_by_side!(books().order_by(Book::subtitle.desc().nulls_last()));
}

#[test]
fn decimals_are_ordered_as_numbers() {
    assert_side_by_side!(books().order_by(Book::price.desc().nulls_last()));
}

#[test]
fn groups_are_ordered_by_what_was_counted() {
    let query = Book::query()
        .group_by(Book::author_id)
        .order_by(estoult::count_rows().desc())
        .select(Book::author_id);
    assert_side_by_side!(query);
}
