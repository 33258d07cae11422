//! Lists: one text for many lengths.

use estoult::Decimal;

use super::{
    assert_side_by_side,
    schemas::{Book, Mood, books},
};

#[test]
fn a_list_is_one_parameter_or_padded_to_a_power_of_two() {
    assert_side_by_side!(books().filter(Book::id.in_list([1, 2, 3])));
}

#[test]
fn an_empty_list_finds_no_row() {
    assert_side_by_side!(books().filter(Book::id.in_list([0_i64; 0])));
}

#[test]
fn out_of_an_empty_list_is_every_row() {
    assert_side_by_side!(books().filter(Book::id.not_in_list([0_i64; 0])));
}

#[test]
fn none_in_a_list_is_null() {
    let query = books().filter(Book::subtitle.in_list([Some("a".to_owned()), None]));
    assert_side_by_side!(query);
}

#[test]
fn none_of_a_list() {
    assert_side_by_side!(books().filter(Book::title.not_in_list(["a", "b"])));
}

#[test]
fn labels_in_a_list_are_cast_to_their_type() {
    let query = books().filter(Book::mood.in_list([Mood::Sad, Mood::Happy]));
    assert_side_by_side!(query);
}

#[test]
fn decimals_in_a_list_are_compared_as_numbers() {
    let prices = [Decimal::new(10, 0), Decimal::new(1000, 2)];
    assert_side_by_side!(books().filter(Book::price.in_list(prices)));
}

#[test]
fn bytes_in_a_list() {
    assert_side_by_side!(books().filter(Book::cover.in_list([vec![1, 2]])));
}

#[test]
fn columns_in_a_list_are_compared_one_by_one() {
    assert_side_by_side!(books().filter(Book::id.in_list([Book::author_id])));
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
