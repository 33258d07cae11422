//! What names become.

use proc_macro2::Span;

use super::{Case, foreign_key, identifier, listed, nearest, table};

#[test]
fn tables_are_the_plural_of_their_struct_in_snake_case() {
    let tables = [
        ("Book", "books"),
        ("OrderItem", "order_items"),
        ("Category", "categories"),
        ("Day", "days"),
        ("Address", "addresses"),
        ("Status", "statuses"),
        ("Alias", "aliases"),
        ("Analysis", "analyses"),
        ("Box", "boxes"),
        ("Branch", "branches"),
        ("Dish", "dishes"),
        ("Waltz", "waltzes"),
        ("Settings", "settings"),
        ("HTTPServer", "http_servers"),
        ("Photo2", "photo2s"),
    ];
    for (name, expected) in tables {
        assert_eq!(table(name), expected, "{name}");
    }
}

#[test]
fn foreign_keys_are_named_after_the_struct_they_point_at() {
    assert_eq!(foreign_key("OrderItem"), "order_item_id");
}

#[test]
fn cases_join_the_words_of_a_field() {
    let written = Case::ALL.map(|(_, case)| case.apply("first_http_name2"));
    let expected = [
        "firstHttpName2",
        "first_http_name2",
        "FIRST_HTTP_NAME2",
        "FirstHttpName2",
        "first-http-name2",
    ];
    assert_eq!(written, expected);
}

#[test]
fn cases_split_the_words_of_a_variant() {
    assert_eq!(Case::Snake.apply("HardCover"), "hard_cover");
    assert_eq!(Case::Kebab.apply("PDFFile"), "pdf-file");
    assert_eq!(Case::Camel.apply("_private__name"), "privateName");
}

#[test]
fn cases_are_found_by_their_own_spelling() {
    for (name, case) in Case::ALL {
        assert_eq!(Case::named(name), Some(case));
    }
    assert_eq!(Case::named("camelcase"), None);
}

#[test]
fn keywords_become_raw_identifiers() {
    let identifier = |text| identifier(text, Span::call_site()).map(|ident| ident.to_string());
    assert_eq!(identifier("title").as_deref(), Some("title"));
    assert_eq!(identifier("type").as_deref(), Some("r#type"));
    assert_eq!(identifier("r#type").as_deref(), Some("r#type"));
    for text in ["self", "two words", "", "2nd", "a::b"] {
        assert_eq!(identifier(text), None, "{text}");
    }
}

#[test]
fn the_nearest_name_is_a_typing_mistake_away() {
    let known = ["table", "title", "has_many"];
    assert_eq!(nearest("tabel", known), Some("table"));
    assert_eq!(nearest("titel", known), Some("title"));
    assert_eq!(nearest("Has_Many", known), Some("has_many"));
    assert_eq!(nearest("hasmany", known), Some("has_many"));
    assert_eq!(nearest("price", known), None);
    assert_eq!(nearest("", known), None);
}

#[test]
fn names_are_listed_in_back_quotes() {
    assert_eq!(listed(["a", "b"]), "`a`, `b`");
}
