//! How attributes are parsed, and the messages about those that can't be.

use syn::{DeriveInput, parse_str};

use crate::{
    errors::Errors,
    errors::tests::messages,
    model::{Cardinality, Field, IndexKind, Mapping, Representation, Schema, Source},
};

use super::{row, schema, value};

fn read<M>(parse: fn(&DeriveInput, &mut Errors) -> Option<M>, source: &str) -> M {
    let mut errors = Errors::default();
    let model = parse(&parse_str(source).unwrap(), &mut errors);
    errors.into_result().unwrap();
    model.unwrap()
}

fn field(attributes: &str, field: &str) -> Field {
    let source =
        format!("struct Book {{ #[field(key)] isbn: String, #[field({attributes})] {field} }}");
    read(schema, &source).fields.pop().unwrap()
}

/// Who makes the value of a field, in words.
fn source(field: &Field) -> &'static str {
    match field.source {
        Source::Program => "program",
        Source::Generated => "generated",
        Source::UuidV4 => "uuid v4",
        Source::UuidV7 => "uuid v7",
        Source::Default(None) => "default",
        Source::Default(Some(_)) => "default of rust",
        Source::DefaultSql(_) => "default of sql",
        Source::CreatedAt => "created_at",
        Source::UpdatedAt => "updated_at",
        Source::Tenant => "tenant",
    }
}

fn of_struct(attributes: &str) -> Schema {
    read(
        schema,
        &format!(
            "#[schema({attributes})] struct Book {{ id: i64, author_id: i64, title: String }}"
        ),
    )
}

fn columns(schema: &Schema) -> Vec<&str> {
    let columns = schema
        .fields
        .iter()
        .map(|field| field.column.value.as_str());
    columns.collect()
}

#[test]
fn a_struct_without_attributes_has_a_table_a_key_and_columns() {
    let schema = read(
        schema,
        "/// Of paper.\nstruct OrderItem { id: i64, r#type: String }",
    );
    assert_eq!(schema.table.value, "order_items");
    assert_eq!(schema.target.docs, "Of paper.");
    assert_eq!(columns(&schema), ["id", "type"]);
    assert!(schema.fields[0].key && matches!(schema.fields[0].source, Source::Generated));
    assert!(matches!(schema.fields[1].source, Source::Program));
}

#[test]
fn table_schema_and_database_name_the_table() {
    let schema = of_struct(r#"table = "buch", schema = "library", database = "archive""#);
    assert_eq!(schema.table.value, "buch");
    assert_eq!(schema.namespace.unwrap().value, "library");
    assert_eq!(schema.database.unwrap().value, "archive");
}

#[test]
fn rename_all_gives_way_to_rename() {
    let source = r#"#[schema(rename_all = "camelCase")]
        struct Book { id: i64, author_id: i64, #[field(rename = "A")] full_title: String,
            #[field(column = "B")] b: i32 }"#;
    assert_eq!(columns(&read(schema, source)), ["id", "authorId", "A", "B"]);
}

#[test]
fn associations_take_the_usual_columns() {
    let schema = of_struct(
        "belongs_to(author: Author), has_many(pages: Page, notes: Note), has_one(r#type: Type)",
    );
    let found: Vec<_> = schema
        .associations
        .iter()
        .map(|a| {
            (
                a.cardinality,
                a.name(),
                a.own.clone().unwrap().to_string(),
                a.other.to_string(),
            )
        })
        .collect();
    let expected = [
        (Cardinality::HasMany, "pages", "id", "book_id"),
        (Cardinality::HasMany, "notes", "id", "book_id"),
        (Cardinality::HasOne, "type", "id", "book_id"),
        (Cardinality::BelongsTo, "author", "author_id", "id"),
    ];
    for expected in expected {
        let (cardinality, name, own, other) = expected;
        assert!(
            found.contains(&(cardinality, name.into(), own.into(), other.into())),
            "{name}"
        );
    }
}

#[test]
fn key_and_references_name_the_columns_of_an_association() {
    let schema = of_struct(
        r#"belongs_to(writer: Author, key = "author_id", references = "number"),
           has_many(pages: Page, key = "of_book", references = "title")"#,
    );
    let names = schema.associations.iter().map(|association| {
        let own = association.own.clone().unwrap();
        (own.to_string(), association.other.to_string())
    });
    let names: Vec<_> = names.collect();
    assert_eq!(names[0], ("author_id".into(), "number".into()));
    assert_eq!(names[1], ("title".into(), "of_book".into()));
}

#[test]
fn indexes_list_fields_and_may_have_a_name() {
    let schema = of_struct(r#"index(author_id), unique(author_id, title, name = "one_title")"#);
    let [plain, unique] = schema.indexes.as_slice() else {
        panic!("two indexes");
    };
    assert_eq!((plain.kind, plain.fields.len()), (IndexKind::Plain, 1));
    assert_eq!((unique.kind, unique.fields.len()), (IndexKind::Unique, 2));
    assert_eq!(unique.name.as_ref().unwrap().value, "one_title");
}

#[test]
fn crate_names_the_root_of_all_paths() {
    let schema = of_struct(r#"crate = "crate::database""#);
    assert_eq!(schema.target.root.segments.len(), 2);
}

#[test]
fn several_keys_are_a_composite_key_without_a_source() {
    let source = "struct Seat { #[field(key)] row: i64, #[field(key)] number: i64, id: i64 }";
    let schema = read(schema, source);
    assert_eq!(schema.keys().len(), 2);
    assert!(
        schema
            .keys()
            .iter()
            .all(|key| matches!(key.source, Source::Program))
    );
}

#[test]
fn a_single_key_is_made_by_whom_its_type_says() {
    let made_by = [
        ("id: u32", "generated"),
        ("id: uuid::Uuid", "uuid v7"),
        ("id: String", "program"),
        ("id: BookId", "program"),
        ("#[field(generated)] id: BookId", "generated"),
        ("#[field(generated = false)] id: i64", "program"),
        ("#[field(generated = false)] id: Uuid", "program"),
        ("#[field(uuid = \"v4\")] id: Uuid", "uuid v4"),
        ("#[field(default_sql = \"f()\")] id: i64", "default of sql"),
    ];
    for (key, expected) in made_by {
        let schema = read(schema, &format!("struct Book {{ {key}, a: i32 }}"));
        assert_eq!(source(&schema.fields[0]), expected, "{key}");
    }
}

#[test]
fn a_key_that_is_also_a_foreign_key_is_given_by_the_program() {
    let source = "#[schema(belongs_to(user: User))] struct Profile { #[field(key)] user_id: i64 }";
    assert!(matches!(
        read(schema, source).fields[0].source,
        Source::Program
    ));
}

#[test]
fn words_of_a_field_say_who_makes_its_value() {
    let made_by = [
        ("generated", "generated"),
        ("default", "default"),
        ("default = 2 * LIMIT", "default of rust"),
        ("default_sql = \"now()\"", "default of sql"),
        ("uuid = \"v4\"", "uuid v4"),
        ("uuid = \"v7\"", "uuid v7"),
        ("created_at", "created_at"),
        ("updated_at", "updated_at"),
        ("tenant", "tenant"),
    ];
    for (word, expected) in made_by {
        assert_eq!(source(&field(word, "a: i64")), expected, "{word}");
    }
}

#[test]
fn words_of_a_field_say_how_it_is_kept() {
    assert_eq!(field("unique", "a: i64").indexed, Some(IndexKind::Unique));
    assert_eq!(field("index", "a: i64").indexed, Some(IndexKind::Plain));
    assert!(field("redact", "a: i64").redacted);
    assert_eq!(field("skip", "a: i64").mapping, Mapping::Skip);
    assert_eq!(
        field("embed", "home: Address").mapping,
        Mapping::Embed("home_".into())
    );
    let mapping = field("embed, prefix = \"h\"", "home: Address").mapping;
    assert_eq!(mapping, Mapping::Embed("h".into()));
}

#[test]
fn docs_keep_their_lines_and_lose_the_first_space() {
    let field = field("index", "/// One.\n///\n///  Two. \na: i64");
    assert_eq!(field.docs, "One.\n\n Two.");
}

#[test]
fn labels_are_in_snake_case_or_as_the_attributes_say() {
    let labels = |source| match read(value, source).representation {
        Representation::Labels(labels, _) => {
            labels.into_iter().map(|label| label.text.value).collect()
        }
        _ => Vec::new(),
    };
    assert_eq!(labels("enum A { HardCover, Pdf }"), ["hard_cover", "pdf"]);
    let source =
        r#"#[value(rename_all = "kebab-case")] enum A { HardCover, #[value(rename = "PDF")] Pdf }"#;
    assert_eq!(labels(source), ["hard-cover", "PDF"]);
}

#[test]
fn numbers_are_counted_as_rust_counts_them() {
    let source = "#[value(integer)] enum A { A, B = 5, C, D = -2, E, F = OTHER, G }";
    let Representation::Numbers(numbers) = read(value, source).representation else {
        panic!("an integer enum");
    };
    let known: Vec<_> = numbers.iter().map(|number| number.known).collect();
    assert_eq!(
        known,
        [Some(0), Some(5), Some(6), Some(-2), Some(-1), None, None]
    );
}

#[test]
fn columns_of_a_row_are_named_like_its_fields() {
    let source = r#"#[row(schema = models::Book)]
        struct Line { r#type: String, #[row(column = "author_id")] by: i64, #[row(skip)] cache: i32 }"#;
    let row = read(row, source);
    let columns = row.fields.iter().map(|field| field.column.as_ref());
    let columns: Vec<_> = columns
        .map(|column| column.map(|it| it.value.as_str()))
        .collect();
    assert_eq!(columns, [Some("type"), Some("author_id"), None]);
    assert!(row.schema.is_some());
}

#[test]
fn unknown_attributes_list_the_known_ones() {
    let known = "known here are `table`, `schema`, `database`, `rename_all`, \
        `has_many`, `has_one`, `belongs_to`, `index`, `unique`, `crate`";
    assert_eq!(
        messages(
            crate::schema,
            "#[schema(tabel = \"a\", colour)] struct A { id: i64 }"
        ),
        [
            format!("tabel: unknown attribute `tabel`: did you mean `table`? {known}"),
            format!("colour: unknown attribute `colour`: {known}"),
        ]
    );
    assert_eq!(
        messages(
            crate::embedded,
            "struct A { #[field(default_sql = \"1\")] a: i64 }"
        ),
        ["default_sql: unknown attribute `default_sql`: known here are `rename`, `skip`, `redact`"]
    );
}

#[test]
fn names_from_other_libraries_are_translated() {
    let messages = messages(
        crate::schema,
        "struct A { #[field(primary_key)] id: i64, #[field(flatten)] a: A }",
    );
    assert!(
        messages[0]
            .starts_with("primary_key: unknown attribute `primary_key`: did you mean `key`? ")
    );
    assert!(
        messages[1].starts_with("flatten: unknown attribute `flatten`: did you mean `embed`? ")
    );
}

#[test]
fn an_attribute_is_given_once() {
    let source = "#[schema(table = \"a\")] #[schema(table = \"b\")] \
        struct A { #[field(rename = \"x\", column = \"y\")] id: i64 }";
    assert_eq!(
        messages(crate::schema, source),
        [
            "table: `table` is given twice: remove one of the two",
            "column: `column` is given twice: remove one of the two",
        ]
    );
}

#[test]
fn a_wrong_value_shows_how_the_attribute_is_written() {
    let source = "#[schema(table, schema = 5, index, unique(), has_many(), crate = \"a b\")]
        struct A { #[field(key = true, default =)] a: i64, #[field(embed, prefix(a))] b: B,
        #[field(generated = 1, redact = false)] id: i64 }";
    assert_eq!(
        messages(crate::schema, source),
        [
            "table: `table` is written `table = \"books\"`",
            "schema: `schema` is written `schema = \"library\"`",
            "index: `index` is written `index(author_id, title)`",
            "unique: `unique` is written `unique(author_id, title)`",
            "has_many: `has_many` is written `has_many(books: Book)`",
            "\"a b\": `a b` is no path of a module: write crate = \"path::to::estoult\"",
            "key: `key` takes no value: write the word alone",
            "default: `default` is written `default` or `default = expression`",
            "prefix: `prefix` is written `prefix = \"address_\"`",
            "generated: `generated` is written `generated` or `generated = false`",
            "redact: `redact` takes no value: write the word alone",
        ]
    );
}

#[test]
fn a_helper_needs_brackets() {
    assert_eq!(
        messages(
            crate::embedded,
            "#[embedded] struct A { #[field = 1] a: i64 }"
        ),
        [
            "embedded: write `#[embedded(…)]`, inside the brackets any of `rename_all`, `crate`",
            "field = 1: write `#[field(…)]`, inside the brackets any of `rename`, `skip`, `redact`",
        ]
    );
}

#[test]
fn cases_and_uuid_versions_are_known_ones() {
    let source =
        "#[schema(rename_all = \"camelcase\")] struct A { #[field(uuid = \"v1\")] id: Uuid }";
    assert_eq!(
        messages(crate::schema, source),
        [
            "\"camelcase\": unknown case `camelcase`: did you mean `camelCase`? known are \
             `camelCase`, `snake_case`, `SCREAMING_SNAKE_CASE`, `PascalCase`, `kebab-case`",
            "\"v1\": unknown version of a UUID `v1`: known are `v4` (random) and `v7` (in order of time)",
        ]
    );
}

#[test]
fn brackets_hold_associations_and_known_options() {
    let source = r#"#[schema(has_many(books Book), has_one(a: A, kee = "x"), has_many(a: A, b: B, key = "x"),
        belongs_to(c: C, key = "two words"), has_many(key = "x"),
        has_one(d: D, key = "x", key = "y"), index(id, nam = "x"))]
        struct A { id: i64 }"#;
    assert_eq!(
        messages(crate::schema, source),
        [
            "books: write `books: Schema`, the association and what it reaches",
            "kee: unknown option `kee`: did you mean `key`? known here are `key`, `references`",
            "key: `key` can't belong to several associations: write one `has_many(…)` for each",
            "\"two words\": `two words` can't be the name of a field",
            "has_many: `has_many` is written `has_many(books: Book)`",
            "key: `key` is given twice: remove one of the two",
            "nam: unknown option `nam`: did you mean `name`? known here are `name`",
        ]
    );
}

#[test]
fn other_types_than_structs_with_named_fields_are_refused() {
    let derives: [(_, fn(_) -> _); 3] = [
        ("Schema", crate::schema),
        ("Embedded", crate::embedded),
        ("FromRow", crate::from_row),
    ];
    for (name, derive) in derives {
        for source in [
            "struct A(i64);",
            "struct A;",
            "enum A { B }",
            "union A { a: i64 }",
        ] {
            let expected = format!(
                "A: `{name}` needs a struct with named fields: write `struct A {{ field: Type }}`"
            );
            assert_eq!(messages(derive, source), [expected]);
        }
    }
}

#[test]
fn types_with_parameters_are_refused() {
    let expected = "<'a, T>: `FromRow` can't be derived for a type with parameters: \
        write one type without them for each use";
    assert_eq!(
        messages(crate::from_row, "struct A<'a, T> { a: &'a T }"),
        [expected]
    );
    let where_clause = messages(crate::value, "struct A(i64) where i64: Copy;");
    assert!(where_clause[0].starts_with("where i64: Copy: `Value` can't be derived"));
}

#[test]
fn values_are_structs_with_one_field_or_enums_without() {
    assert_eq!(
        messages(crate::value, "struct A { a: i64, b: i64 }"),
        [
            "A: `Value` needs a struct with one field, `A` has 2: add `#[value(json)]` to keep all of it as JSON"
        ]
    );
    assert_eq!(
        messages(crate::value, "enum A { B, C(i64), D { d: i64 } }"),
        ["C", "D"].map(|name| format!(
            "{name}: the variant `{name}` has fields, which have no place in a column: \
             remove them or add `#[value(json)]` to the enum"
        ))
    );
    assert_eq!(
        messages(crate::value, "union A { a: i64 }"),
        ["A: `Value` can't be derived for a union: use a struct with one field"]
    );
}

#[test]
fn attributes_without_a_meaning_are_refused() {
    let rename = "#[value(rename = \"b\")]";
    let refused = |source: &str, place| {
        let expected = format!("{rename}: `#[value(…)]` has no meaning on {place}");
        assert_eq!(
            messages(crate::value, &source.replace("RENAME", rename)),
            [expected]
        );
    };
    refused("struct A(RENAME i64);", "a field: remove it");
    refused(
        "#[value(json)] struct A { RENAME a: i64 }",
        "a field: remove it",
    );
    refused(
        "#[value(json)] enum A { B(RENAME i64) }",
        "a field: remove it",
    );
    refused(
        "#[value(json)] enum A { RENAME B }",
        "a variant of a JSON enum: use `#[serde(rename = \"…\")]`",
    );
    refused(
        "#[value(integer)] enum A { RENAME B }",
        "a variant of an integer enum: remove it",
    );
}

#[test]
fn attributes_in_the_wrong_place_name_the_right_one() {
    assert_eq!(
        messages(
            crate::schema,
            "#[field(key)] struct A { #[schema(table = \"b\")] id: i64 }"
        ),
        [
            "#[field(key)]: `#[field(…)]` has no meaning on a struct: write `#[schema(…)]`",
            "#[schema(table = \"b\")]: `#[schema(…)]` has no meaning on a field: write `#[field(…)]`",
        ]
    );
    assert_eq!(
        messages(
            crate::embedded,
            "#[field(skip)] struct A { #[embedded(crate = \"b\")] a: i64 }"
        ),
        [
            "#[field(skip)]: `#[field(…)]` has no meaning on a struct: write `#[embedded(…)]`",
            "#[embedded(crate = \"b\")]: `#[embedded(…)]` has no meaning on a field: write `#[field(…)]`",
        ]
    );
}
