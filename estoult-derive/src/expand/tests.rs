//! Snapshots of what is generated: the whole for each derive, the difference that it makes for each attribute.

use proc_macro2::TokenStream;

type Derive = fn(TokenStream) -> syn::Result<TokenStream>;

/// The output of a derive as rustfmt would print it.
fn expanded(derive: Derive, source: &str) -> String {
    let tokens = derive(source.parse().unwrap()).unwrap();
    prettyplease::unparse(&syn::parse2(tokens).unwrap())
}

/// The lines that an attribute takes away (`-`) and adds (`+`).
fn difference(derive: Derive, without: &str, with: &str) -> String {
    let (before, after) = (expanded(derive, without), expanded(derive, with));
    let (before, after): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let mut common = vec![vec![0; after.len() + 1]; before.len() + 1];
    for (i, old) in before.iter().enumerate().rev() {
        for (j, new) in after.iter().enumerate().rev() {
            common[i][j] = if old == new {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < before.len() || j < after.len() {
        if i < before.len() && j < after.len() && before[i] == after[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == after.len() || i < before.len() && common[i + 1][j] >= common[i][j + 1] {
            lines.push(format!("- {}", before[i].trim()));
            i += 1;
        } else {
            lines.push(format!("+ {}", after[j].trim()));
            j += 1;
        }
    }
    lines.join("\n")
}

fn of_struct(attributes: &str) -> String {
    let book = "struct Book { id: i64, author_id: i64, title: String }";
    difference(
        crate::schema,
        book,
        &format!("#[schema({attributes})] {book}"),
    )
}

fn of_field(attributes: &str, field: &str) -> String {
    let source = |attributes| format!("struct Book {{ id: i64, {attributes} {field} }}");
    difference(
        crate::schema,
        &source(""),
        &source(&format!("#[field({attributes})]")),
    )
}

macro_rules! snapshots {
    ($($name:ident: $text:expr;)+) => {$(
        #[test]
        fn $name() {
            insta::assert_snapshot!($text);
        }
    )+};
}

snapshots! {
    schema: expanded(crate::schema, "/// A book.\npub struct Book { id: i64, /** Its name. */ title: String }");
    schema_table: of_struct("table = \"buch\"");
    schema_schema: of_struct("schema = \"library\"");
    schema_rename_all: of_struct("rename_all = \"camelCase\"");
    schema_has_many: of_struct("has_many(pages: Page, key = \"of_book\")");
    schema_has_one: of_struct("has_one(cover: Cover)");
    schema_belongs_to: of_struct("belongs_to(author: Author)");
    schema_index: of_struct("index(author_id, title)");
    schema_unique: of_struct("unique(author_id, title, name = \"one_title\")");
    schema_crate: of_struct("crate = \"crate::database\"");
    field_rename: of_field("rename = \"label\"", "title: String");
    field_key: expanded(crate::schema, "struct Seat { #[field(key)] row: i64, #[field(key)] number: String }");
    field_generated: of_field("generated", "number: i64");
    field_uuid: of_field("uuid = \"v4\"", "token: Uuid");
    field_default: of_field("default", "note: Option<String>");
    field_default_expression: of_field("default = 2 * 3", "count: i32");
    field_default_sql: of_field("default_sql = \"now()\"", "at: Time");
    field_unique: of_field("unique", "title: String");
    field_index: of_field("index", "title: String");
    field_created_at: of_field("created_at", "at: Time");
    field_updated_at: of_field("updated_at", "at: Time");
    field_tenant: of_field("tenant", "customer: i64");
    field_skip: of_field("skip", "cache: Vec<u8>");
    field_embed: of_field("embed", "home: Address");
    field_prefix: of_field("embed, prefix = \"\"", "home: Address");
    field_redact: of_field("redact", "password: String");
    embedded: expanded(
        crate::embedded,
        "pub(crate) struct Address { /// Its name.\n street: String, #[field(skip)] cache: i64 }",
    );
    embedded_field: difference(
        crate::embedded,
        "struct Address { zip_code: String }",
        "#[embedded(rename_all = \"PascalCase\", crate = \"a::b\")] \
         struct Address { #[field(redact)] zip_code: String }",
    );
    value_newtype: expanded(crate::value, "struct BookId(i64);");
    value_text: expanded(crate::value, "enum Cover { Hard, #[value(rename = \"paperback\")] Soft }");
    value_integer: expanded(crate::value, "#[value(integer)] enum Level { Low = 1, High }");
    value_postgres_enum: difference(
        crate::value,
        "enum Mood { Sad, Happy }",
        "#[value(postgres_enum = \"mood\", rename_all = \"SCREAMING_SNAKE_CASE\")] enum Mood { Sad, Happy }",
    );
    value_json: expanded(crate::value, "#[value(json)] struct Settings { colour: String, size: i64 }");
    row: expanded(
        crate::from_row,
        "struct Line { r#type: String, #[row(column = \"author_id\")] by: i64, #[row(skip)] cache: i64 }",
    );
    row_schema: difference(
        crate::from_row,
        "struct Line { title: String, #[row(column = \"type\")] kind: Kind }",
        "#[row(schema = models::Book)] struct Line { title: String, #[row(column = \"type\")] kind: Kind }",
    );
}

#[test]
fn the_literal_holds_what_the_program_gives() {
    let source = "struct Book { id: i64, title: String, note: Option<String>, #[field(embed)] home: Address,
        #[field(default)] a: i64, #[field(default_sql = \"1\")] b: i64, #[field(created_at)] c: Time,
        #[field(updated_at)] d: Time, #[field(uuid = \"v7\")] e: Uuid, #[field(skip)] f: i64 }";
    let output = expanded(crate::schema, source);
    let literal = output.split("struct NewBook {").nth(1).unwrap();
    let literal = literal.split('}').next().unwrap();
    let fields: Vec<&str> = literal
        .lines()
        .filter_map(|line| line.trim().strip_suffix(','))
        .collect();
    assert_eq!(
        fields,
        ["title: String", "note: Option<String>", "home: Address"]
    );
}

#[test]
fn all_output_is_one_nameless_constant() {
    let output = crate::schema("struct A { id: i64 }".parse().unwrap()).unwrap();
    let file: syn::File = syn::parse2(output).unwrap();
    assert!(matches!(file.items.as_slice(), [syn::Item::Const(item)] if item.ident == "_"));
}

#[test]
fn long_lists_of_labels_are_cut_in_messages() {
    let variants: Vec<String> = (0..20).map(|number| format!("V{number}")).collect();
    let output = expanded(
        crate::value,
        &format!("enum A {{ {} }}", variants.join(", ")),
    );
    assert!(output.contains("`v11` … (20 in all)"));
    assert!(expanded(crate::value, "enum A { B }").contains("expected(\"`b`\""));
}
