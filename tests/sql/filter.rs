//! Conditions: comparisons, nulls, and how they are joined.

use estoult::{Decimal, Predicate};

use super::{
    assert_side_by_side,
    schemas::{Book, Mood, books},
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
    assert_side_by_side!(query);
}

#[test]
fn columns_are_compared_with_columns() {
    assert_side_by_side!(books().filter(Book::id.eq(Book::author_id)));
}

#[test]
fn equal_to_none_is_null() {
    let query = books()
        .filter(Book::subtitle.eq(None))
        .filter(Book::mood.ne(None));
    assert_side_by_side!(query);
}

#[test]
fn an_optional_column_is_compared_with_what_it_holds() {
    let query = books()
        .filter(Book::subtitle.eq("or"))
        .filter(Book::subtitle.eq(Some("and".to_owned())));
    assert_side_by_side!(query);
}

#[test]
fn null_is_asked_for_by_name() {
    let query = books()
        .filter(Book::subtitle.is_null())
        .filter(Book::cover.is_not_null());
    assert_side_by_side!(query);
}

#[test]
fn a_condition_keeps_its_parentheses() {
    let either = Book::id.eq(1).or(Book::id.eq(2));
    let query = books()
        .filter(either.clone().and(Book::published.eq(true)))
        .filter(either.and(Book::author_id.eq(3)).not());
    assert_side_by_side!(query);
}

#[test]
fn operators_are_words() {
    let query = books().filter(!(Book::id.eq(1) | Book::id.eq(2)) & Book::published.is_true());
    assert_side_by_side!(query);
}

#[test]
fn all_of_none_is_true_and_any_of_none_is_false() {
    let query = books()
        .filter(Predicate::all([]))
        .filter(Predicate::any([]));
    assert_side_by_side!(query);
}

#[test]
fn between_takes_both_ends_in() {
    assert_side_by_side!(books().filter(Book::id.between(1, 9).not()));
}

#[test]
fn an_optional_filter_without_a_value_is_none() {
    let query = books()
        .filter_some(None, |id: i64| Book::id.eq(id))
        .filter_some(Some(3), |id| Book::id.eq(id));
    assert_side_by_side!(query);
}

#[test]
fn decimals_are_compared_as_numbers() {
    let query = books().filter(Book::price.lt(Decimal::new(1050, 2)));
    assert_side_by_side!(query);
}

#[test]
fn a_label_is_cast_to_its_type() {
    assert_side_by_side!(books().filter(Book::mood.eq(Mood::Sad)));
}

#[test]
fn bytes_are_bound() {
    assert_side_by_side!(books().filter(Book::cover.eq(vec![0, 255])));
}

#[test]
fn a_text_is_never_part_of_the_statement() {
    let query = books().filter(Book::title.eq("'; drop table books; -- ? $1"));
    assert_side_by_side!(query);
}

#[test]
fn text_with_nul_is_refused_where_it_can_not_be_stored() {
    assert_side_by_side!(books().filter(Book::title.eq("a\0b")));
}
