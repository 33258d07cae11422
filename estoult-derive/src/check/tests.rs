//! The messages where a rule is broken: the place and the text.

use crate::errors::tests::messages;

fn of_field(field: &str) -> Vec<String> {
    let source = format!("struct Book {{ id: i64, author_id: i64, title: String, {field} }}");
    messages(crate::schema, &source)
}

fn of_struct(attributes: &str) -> Vec<String> {
    let source = format!(
        "#[schema({attributes})] struct Book {{ id: i64, author_id: i64, title: String, \
         #[field(embed)] address: Address, #[field(skip)] cache: i64 }}"
    );
    messages(crate::schema, &source)
}

fn of_value(source: &str) -> Vec<String> {
    messages(crate::value, source)
}

#[test]
fn nothing_is_told_of_a_schema_without_mistakes() {
    assert_eq!(of_field("price: i64"), [""; 0]);
    assert_eq!(
        of_struct("index(title), belongs_to(author: Author)"),
        [""; 0]
    );
}

#[test]
fn skip_stands_alone() {
    let remedy =
        "has no meaning beside `skip`: a skipped field has no column, remove one of the two";
    assert_eq!(
        of_field("#[field(unique, skip, rename = \"b\")] a: i64"),
        [
            format!("unique: `unique` {remedy}"),
            format!("rename: `rename` {remedy}")
        ]
    );
    let row = messages(
        crate::from_row,
        "struct A { #[row(skip, column = \"b\")] a: i64 }",
    );
    assert_eq!(row, [format!("column: `column` {remedy}")]);
}

#[test]
fn embed_takes_only_a_prefix() {
    assert_eq!(
        of_field("#[field(embed, key, prefix = \"a\")] a: A"),
        ["key: `key` has no meaning beside `embed`: say it of the fields of the embedded struct"]
    );
    assert_eq!(
        of_field("#[field(embed)] a: Option<A>"),
        [
            "Option<A>: an embedded struct can't be optional: embed the struct itself and make its fields optional"
        ]
    );
}

#[test]
fn prefix_needs_embed() {
    assert_eq!(
        of_field("#[field(prefix = \"a_\")] a: i64"),
        [
            "prefix: `prefix` belongs to `embed`: write `#[field(embed, prefix = \"…\")]` or `rename = \"…\"`"
        ]
    );
}

#[test]
fn a_row_belongs_to_one_tenant() {
    assert_eq!(
        of_field("#[field(tenant)] a: i64, #[field(tenant)] b: i64"),
        ["tenant: a row belongs to one tenant, and `a` says to which: remove one of the two"]
    );
    assert_eq!(
        of_field("#[field(tenant)] a: Option<i64>"),
        [
            "Option<i64>: the tenant `a` can't be null, or its rows would belong to no tenant: \
             write its type without `Option`"
        ]
    );
    assert_eq!(
        of_field("#[field(tenant, uuid = \"v4\")] a: Uuid"),
        ["uuid: `tenant` and `uuid` both say who makes the value: remove one of the two"]
    );
    assert_eq!(of_field("#[field(tenant, index)] a: Uuid"), [""; 0]);
}

#[test]
fn one_word_says_who_makes_a_value() {
    let both = |first, other| {
        [format!(
            "{other}: `{first}` and `{other}` both say who makes the value: remove one of the two"
        )]
    };
    assert_eq!(
        of_field("#[field(created_at, updated_at)] a: A"),
        both("created_at", "updated_at")
    );
    assert_eq!(
        of_field("#[field(generated, default = 1)] a: i64"),
        both("generated", "default")
    );
    assert_eq!(
        of_field("#[field(uuid = \"v4\", default_sql = \"f()\")] a: A"),
        both("uuid", "default_sql")
    );
}

#[test]
fn unique_is_an_index_already() {
    assert_eq!(
        of_field("#[field(index, unique)] a: i64"),
        ["index: `unique` is an index already: remove `index`"]
    );
}

#[test]
fn generated_values_are_integers() {
    assert_eq!(
        of_field("#[field(generated)] a: String"),
        [
            "generated: `generated` is for integers that the database counts, not `String`: \
          write `default_sql = \"…\"` or make it an `i64`"
        ]
    );
    assert_eq!(
        of_field("#[field(generated)] a: Uuid"),
        [
            "generated: `generated` is for integers that the database counts, not `Uuid`: write `uuid = \"v7\"`"
        ]
    );
}

#[test]
fn uuids_are_of_type_uuid() {
    assert_eq!(
        of_field("#[field(uuid = \"v7\")] a: i64"),
        ["uuid: `uuid` is for a field of type `Uuid`, not `i64`: change the type"]
    );
    assert_eq!(of_field("#[field(uuid = \"v7\")] a: BookId"), [""; 0]);
}

#[test]
fn a_schema_has_a_key_that_is_not_null() {
    assert_eq!(
        messages(crate::schema, "struct Book { title: String }"),
        ["Book: `Book` has no key: name a field `id` or mark one with `#[field(key)]`"]
    );
    assert_eq!(
        messages(crate::schema, "struct Book { id: Option<i64> }"),
        ["Option<i64>: the key `id` can't be null: write its type without `Option`"]
    );
}

#[test]
fn names_are_not_empty() {
    assert_eq!(
        messages(
            crate::schema,
            "#[schema(table = \"\", schema = \"\", index(id, name = \"\"))]
             struct A { id: i64, #[field(rename = \"\")] a: i64, #[field(default_sql = \" \")] b: i64 }"
        ),
        [
            "\"\": a column needs a name: write one or remove `rename`",
            "\" \": `default_sql` needs an expression of SQL: write `default_sql = \"now()\"`",
            "\"\": a table needs a name: write one or remove `table`",
            "\"\": a schema of the database needs a name: write one or remove `schema`",
            "\"\": an index needs a name: write one or remove `name`",
        ]
    );
    assert_eq!(
        messages(crate::from_row, "struct A { #[row(column = \"\")] a: i64 }"),
        ["\"\": a column needs a name: write one or remove `column`"]
    );
    assert_eq!(
        of_value("#[value(postgres_enum = \"\")] enum A { B }"),
        ["\"\": an enum type of PostgreSQL needs a name: write `postgres_enum = \"mood\"`"]
    );
}

#[test]
fn columns_have_different_names() {
    let message_of = |place, field, other, column| {
        [format!(
            "{place}: `{field}` and `{other}` are both kept in the column `{column}`: rename one of the two"
        )]
    };
    assert_eq!(
        of_field("#[field(rename = \"title\")] a: i64"),
        message_of("\"title\"", "a", "title", "title")
    );
    let embedded = messages(
        crate::embedded,
        "struct A { a: i64, #[field(rename = \"a\")] b: i64 }",
    );
    assert_eq!(embedded, message_of("\"a\"", "b", "a", "a"));
    let row = messages(
        crate::from_row,
        "struct A { #[row(column = \"b\")] a: i64, b: i64 }",
    );
    assert_eq!(row, message_of("b", "b", "a", "b"));
    assert_eq!(
        of_field("#[field(embed, prefix = \"\")] a: A, #[field(embed, prefix = \"\")] b: A"),
        ["b: `b` has the same columns as `a`: give it another `prefix = \"…\"`"]
    );
}

#[test]
fn an_embedded_struct_has_columns() {
    assert_eq!(
        messages(crate::embedded, "struct A { #[field(skip)] a: i64 }"),
        ["A: `A` has no column to embed: add a field to it"]
    );
}

#[test]
fn indexes_name_columns() {
    let remedy = "name fields of the struct that are columns";
    assert_eq!(
        of_struct("index(titel), unique(address, id), index(cache), index(id, id)"),
        [
            format!(
                "titel: `Book` has no field `titel` for an index: did you mean `title`? {remedy}"
            ),
            format!("address: `address` is embedded, an index needs a column: {remedy}"),
            format!("cache: `cache` is skipped, an index needs a column: {remedy}"),
            "id: `id` is listed twice in one index: remove one of the two".to_owned(),
        ]
    );
}

#[test]
fn associations_have_names_of_their_own() {
    assert_eq!(
        of_struct("has_many(title: Title), has_one(page: Page), has_many(page: Page)"),
        [
            "title: `title` is a field already: give the association another name",
            "page: two associations are named `page`: rename one of the two",
        ]
    );
}

#[test]
fn associations_need_a_field_of_the_schema() {
    let remedy = |option| format!("add one or name another with `{option} = \"…\"`");
    assert_eq!(
        of_struct(
            "belongs_to(autor: A), belongs_to(shop: A), has_many(a: A, references = \"number\"), \
             belongs_to(b: A, key = \"address\")"
        ),
        [
            format!(
                "autor: `Book` has no field `autor_id` for `belongs_to(autor: …)`: did you mean `author_id`? {}",
                remedy("key")
            ),
            format!(
                "shop: `Book` has no field `shop_id` for `belongs_to(shop: …)`: {}",
                remedy("key")
            ),
            format!(
                "\"number\": `Book` has no field `number` for `has_many(a: …)`: {}",
                remedy("references")
            ),
            format!(
                "\"address\": `address` is embedded, `belongs_to(b: …)` needs a column: {}",
                remedy("key")
            ),
        ]
    );
    assert_eq!(
        messages(
            crate::schema,
            "#[schema(has_many(a: A))] struct Seat { #[field(key)] row: i64, #[field(key)] number: i64 }"
        ),
        ["a: the key has several fields: say which one `a` reaches with `references = \"…\"`"]
    );
    assert_eq!(
        messages(
            crate::schema,
            "#[schema(has_many(a: A))] struct Book { title: i64 }"
        ),
        ["Book: `Book` has no key: name a field `id` or mark one with `#[field(key)]`"]
    );
}

#[test]
fn one_word_says_how_a_value_is_kept() {
    assert_eq!(
        of_value("#[value(text, json)] enum A { B }"),
        ["json: `text` and `json` both say how the value is kept: remove one of the two"]
    );
}

#[test]
fn words_of_enums_have_no_meaning_elsewhere() {
    assert_eq!(
        of_value("#[value(text)] struct A(i64);"),
        ["text: `text` has no meaning here: a struct is kept as its field, remove it"]
    );
    assert_eq!(
        of_value("#[value(integer, rename_all = \"camelCase\")] enum A { B }"),
        ["rename_all: `rename_all` has no meaning here: an integer has no label, remove it"]
    );
    assert_eq!(
        of_value("#[value(json, rename_all = \"camelCase\")] enum A { B }"),
        ["rename_all: `rename_all` has no meaning here: the names of JSON are serde's, remove it"]
    );
}

#[test]
fn enums_have_variants_with_different_labels() {
    assert_eq!(
        of_value("enum A {}"),
        ["A: `A` has no variant and so no value: add one"]
    );
    assert_eq!(
        of_value("enum A { #[value(rename = \"c\")] B, C }"),
        ["C: `C` and `B` are both kept as `c`: rename one of the two"]
    );
}

#[test]
fn columns_of_a_selection_are_fields_of_its_schema() {
    assert_eq!(
        messages(
            crate::from_row,
            "#[row(schema = Book)] struct A { #[row(column = \"count(*)\")] a: i64 }"
        ),
        [
            "\"count(*)\": `count(*)` can't be a field: beside `schema = …`, `column` names a field of that schema"
        ]
    );
    assert_eq!(
        messages(
            crate::from_row,
            "struct A { #[row(column = \"count(*)\")] a: i64 }"
        ),
        [""; 0]
    );
}
