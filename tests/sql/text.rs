//! Patterns: upper and lower case differ, or not, on every database.

use estoult::escape_like;

use super::{
    assert_side_by_side,
    schemas::{Book, books},
};

#[test]
fn like_tells_upper_from_lower_case() {
    assert_side_by_side!(books().filter(Book::title.like("Gal_pagos%")));
}

#[test]
fn ilike_does_not() {
    assert_side_by_side!(books().filter(Book::title.ilike("gal_pagos%")));
}

#[test]
fn an_optional_text_is_matched_too() {
    assert_side_by_side!(books().filter(Book::subtitle.like("%")));
}

#[test]
fn a_literal_has_no_wildcards() {
    let query = books()
        .filter(Book::title.starts_with("100%"))
        .filter(Book::title.contains("a_b*c?d[e]"))
        .filter(Book::title.ends_with(r"\"));
    assert_side_by_side!(query);
}

#[test]
fn escaped_wildcards_stay_escaped() {
    let query = books().filter(Book::title.like(format!("%{}_", escape_like("50%_*"))));
    assert_side_by_side!(query);
}

#[test]
fn the_opposite_of_like() {
    assert_side_by_side!(books().filter(Book::title.like("A%").not()));
}
