//! Rules of single fields and of the columns of one struct.

use quote::ToTokens;
use syn::ext::IdentExt;

use crate::{
    errors::Errors,
    model::{Field, Mapping, Row, Source, Spanned, Target},
    naming,
};

/// The arguments that set where a value comes from.
const SOURCES: [&str; 7] = [
    "generated",
    "uuid",
    "default",
    "default_sql",
    "created_at",
    "updated_at",
    "tenant",
];

pub(super) fn skipped_stands_alone(field: &Field, errors: &mut Errors) {
    if field.mapping == Mapping::Skip {
        let others = field.given.names.iter().filter(|word| word.value != "skip");
        for other in others {
            let word = other.value;
            let message = format!(
                "`{word}` has no meaning beside `skip`: a skipped field has no column, remove one of the two"
            );
            errors.at(other.span, message);
        }
    }
}

pub(super) fn embedded_has_only_a_prefix(field: &Field, errors: &mut Errors) {
    if matches!(field.mapping, Mapping::Embed(_)) {
        let others = field
            .given
            .names
            .iter()
            .filter(|word| !matches!(word.value, "embed" | "prefix"));
        for other in others {
            let word = other.value;
            let message = format!(
                "`{word}` has no meaning beside `embed`: say it of the fields of the embedded struct"
            );
            errors.at(other.span, message);
        }
    }
}

pub(super) fn prefix_needs_embed(field: &Field, errors: &mut Errors) {
    if field.is_column()
        && let Some(prefix) = field.given.span("prefix")
    {
        let message = "`prefix` belongs to `embed`: write `#[field(embed, prefix = \"…\")]` or `rename = \"…\"`";
        errors.at(prefix, message);
    }
}

pub(super) fn embedded_is_not_optional(field: &Field, errors: &mut Errors) {
    if matches!(field.mapping, Mapping::Embed(_)) && field.is_optional() {
        let message = "an embedded struct can't be optional: \
                       embed the struct itself and make its fields optional";
        errors.push(syn::Error::new_spanned(&field.ty, message));
    }
}

pub(super) fn has_one_source(field: &Field, errors: &mut Errors) {
    let words = &field.given.names;
    let mut sources = words.iter().filter(|word| SOURCES.contains(&word.value));
    let Some(first) = sources.next().filter(|_| field.is_column()) else {
        return;
    };
    for other in sources {
        let message = format!(
            "`{}` and `{}` both say who makes the value: remove one of the two",
            first.value, other.value
        );
        errors.at(other.span, message);
    }
}

pub(super) fn has_one_index(field: &Field, errors: &mut Errors) {
    if field.is_column()
        && field.given.has("unique")
        && let Some(index) = field.given.span("index")
    {
        let message = "`unique` is an index already: remove `index`";
        errors.at(index, message);
    }
}

pub(super) fn generated_is_an_integer(field: &Field, errors: &mut Errors) {
    // A macro sees names and no types: an alias or a newtype passes, and the database decides.
    let others = [
        "String", "str", "bool", "char", "f32", "f64", "Uuid", "Decimal", "Vec", "Option",
    ];
    if matches!(field.source, Source::Generated)
        && let Some(generated) = field.given.span("generated")
        && let Some(name) = field
            .type_name()
            .filter(|name| others.contains(&name.as_str()))
    {
        let remedy = if name == "Uuid" {
            "write `uuid = \"v7\"`"
        } else {
            "write `default_sql = \"…\"` or make it an `i64`"
        };
        let message =
            format!("`generated` is for integers that the database counts, not `{name}`: {remedy}");
        errors.at(generated, message);
    }
}

pub(super) fn uuid_is_a_uuid(field: &Field, errors: &mut Errors) {
    let others = [
        "String", "str", "bool", "char", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64",
        "f32", "f64", "Decimal", "Vec",
    ];
    if matches!(field.source, Source::UuidV4 | Source::UuidV7)
        && let Some(uuid) = field.given.span("uuid")
        && let Some(name) = field
            .type_name()
            .filter(|name| others.contains(&name.as_str()))
    {
        let message =
            format!("`uuid` is for a field of type `Uuid`, not `{name}`: change the type");
        errors.at(uuid, message);
    }
}

pub(super) fn key_is_not_optional(field: &Field, errors: &mut Errors) {
    if field.key && field.is_optional() {
        let message = format!(
            "the key `{}` can't be null: write its type without `Option`",
            field.name()
        );
        errors.push(syn::Error::new_spanned(&field.ty, message));
    }
}

pub(super) fn tenant_is_not_optional(field: &Field, errors: &mut Errors) {
    if field.is_column() && field.given.has("tenant") && field.is_optional() {
        let message = format!(
            "the tenant `{}` can't be null, or its rows would belong to no tenant: write its type without `Option`",
            field.name()
        );
        errors.push(syn::Error::new_spanned(&field.ty, message));
    }
}

pub(super) fn has_one_tenant(fields: &[Field], errors: &mut Errors) {
    let tenants = fields.iter().filter_map(|field| {
        let span = field.given.span("tenant")?;
        field.is_column().then_some((field, span))
    });
    let tenants: Vec<_> = tenants.collect();
    let Some(((first, _), others)) = tenants.split_first() else {
        return;
    };
    for (_, span) in others {
        let message = format!(
            "a row belongs to one tenant, and `{}` says to which: remove one of the two",
            first.name()
        );
        errors.at(*span, message);
    }
}

pub(super) fn has_a_name(field: &Field, errors: &mut Errors) {
    if field.column.value.is_empty() {
        let message = "a column needs a name: write one or remove `rename`";
        errors.at(field.column.span, message);
    }
    if let Source::DefaultSql(sql) = &field.source
        && sql.value.trim().is_empty()
    {
        let message = "`default_sql` needs an expression of SQL: write `default_sql = \"now()\"`";
        errors.at(sql.span, message);
    }
}

pub(super) fn names_differ(fields: &[Field], errors: &mut Errors) {
    let columns = fields.iter().filter(|field| field.is_column());
    let columns: Vec<_> = columns.map(|field| (field.name(), &field.column)).collect();
    differ(&columns, errors);
}

/// Embedded structs of one type need different prefixes; those of different types can't be compared here.
pub(super) fn prefixes_differ(fields: &[Field], errors: &mut Errors) {
    for (at, field) in fields.iter().enumerate() {
        let same = fields.iter().take(at).find(|earlier| {
            matches!(field.mapping, Mapping::Embed(_))
                && earlier.mapping == field.mapping
                && earlier.ty.to_token_stream().to_string()
                    == field.ty.to_token_stream().to_string()
        });
        if let Some(same) = same {
            let message = format!(
                "`{}` has the same columns as `{}`: give it another `prefix = \"…\"`",
                field.name(),
                same.name()
            );
            errors.at(field.ident.span(), message);
        }
    }
}

pub(super) fn has_columns(target: &Target, fields: &[Field], errors: &mut Errors) {
    if !fields.iter().any(Field::is_column) {
        let name = &target.ident;
        let message = format!("`{name}` has no column to embed: add a field to it");
        errors.at(name.span(), message);
    }
}

pub(super) fn row_fields_skip_or_name(row: &Row, errors: &mut Errors) {
    for field in row.fields.iter().filter(|field| field.column.is_none()) {
        if let Some(column) = field.given.span("column") {
            let message = "`column` has no meaning beside `skip`: a skipped field has no column, remove one of the two";
            errors.at(column, message);
        }
    }
}

pub(super) fn row_columns_differ(row: &Row, errors: &mut Errors) {
    let columns: Vec<_> = row
        .fields
        .iter()
        .filter_map(|field| Some((field.ident.unraw().to_string(), field.column.as_ref()?)))
        .collect();
    differ(&columns, errors);
}

/// Beside `schema`, `column` names a field of that schema.
pub(super) fn row_columns_are_fields(row: &Row, errors: &mut Errors) {
    let columns = row.fields.iter().filter_map(|field| field.column.as_ref());
    for column in columns {
        let name = &column.value;
        if name.is_empty() {
            errors.at(
                column.span,
                "a column needs a name: write one or remove `column`",
            );
        } else if row.schema.is_some() && naming::identifier(name, column.span).is_none() {
            let message = format!(
                "`{name}` can't be a field: beside `schema = …`, `column` names a field of that schema"
            );
            errors.at(column.span, message);
        }
    }
}

fn differ(columns: &[(String, &Spanned<String>)], errors: &mut Errors) {
    for (at, (field, column)) in columns.iter().enumerate() {
        let mut earlier = columns.iter().take(at);
        if let Some((same, _)) = earlier.find(|(_, other)| other.value == column.value) {
            let name = &column.value;
            let message = format!(
                "`{field}` and `{same}` are both kept in the column `{name}`: rename one of the two"
            );
            errors.at(column.span, message);
        }
    }
}
