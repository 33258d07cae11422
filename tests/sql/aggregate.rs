//! Functions over many rows.

use estoult::{Schema, count_rows};

use super::{assert_side_by_side, schemas::Book};

#[test]
fn rows_and_values_are_counted() {
    let query = Book::query().select((
        count_rows(),
        Book::subtitle.count(),
        Book::author_id.count_distinct(),
    ));
    assert_side_by_side!(query);
}

#[test]
fn integers_are_added_up() {
    assert_side_by_side!(Book::query().select((Book::id.sum(), Book::id.avg())));
}

#[test]
fn decimals_are_added_up_exactly() {
    assert_side_by_side!(Book::query().select((Book::price.sum(), Book::price.avg())));
}

#[test]
fn the_least_and_the_greatest_decimal_are_those_of_numbers() {
    assert_side_by_side!(Book::query().select((Book::price.min(), Book::price.max())));
}

#[test]
fn a_group_is_kept_by_its_sum() {
    let query = Book::query()
        .group_by(Book::author_id)
        .having(Book::id.sum().gt(Some(100)))
        .select((Book::author_id, Book::id.sum()));
    assert_side_by_side!(query);
}
