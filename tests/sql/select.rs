//! The clauses of a query, and what it selects.

use estoult::{Schema, count_rows};

use super::{
    assert_side_by_side,
    schemas::{Book, Line},
};

#[test]
fn a_query_lists_all_columns() {
    assert_side_by_side!(Book::query());
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
    assert_side_by_side!(query);
}

#[test]
fn a_tuple_selects_columns_and_expressions() {
    let query = Book::query().group_by(Book::author_id).select((
        Book::author_id,
        Book::price.max(),
        count_rows(),
    ));
    assert_side_by_side!(query);
}

#[test]
fn one_column_is_selected_by_itself() {
    assert_side_by_side!(Book::query().select(Book::subtitle).distinct());
}

#[test]
fn a_struct_selects_its_fields_in_its_order() {
    assert_side_by_side!(Book::query().rows::<Line>());
}

#[test]
fn a_limit_is_a_literal_where_binding_it_costs_a_plan() {
    assert_side_by_side!(Book::query().filter(Book::id.gt(7)).limit(3));
}

#[test]
fn an_offset_without_a_limit_gets_the_limit_that_a_database_asks_for() {
    assert_side_by_side!(Book::query().offset(5));
}

#[test]
fn a_limit_beyond_the_signed_range_is_the_greatest_number() {
    assert_side_by_side!(Book::query().limit(u64::MAX).offset(u64::MAX));
}
