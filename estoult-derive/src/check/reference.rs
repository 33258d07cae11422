//! Rules of a schema as a whole: its key, and references to its fields from indexes and associations.

use proc_macro2::Ident;
use syn::ext::IdentExt;

use crate::{
    errors::Errors,
    model::{Field, Mapping, Schema, Spanned},
    naming,
};

/// What refers to a field, and the remedy if there is none.
struct Reference {
    by: String,
    remedy: String,
}

pub(super) fn table_has_a_name(schema: &Schema, errors: &mut Errors) {
    let mut is_empty = |name: &Spanned<String>, message: &str| {
        if name.value.is_empty() {
            errors.at(name.span, message);
        }
    };
    is_empty(
        &schema.table,
        "a table needs a name: write one or remove `table`",
    );
    if let Some(namespace) = &schema.namespace {
        is_empty(
            namespace,
            "a schema of the database needs a name: write one or remove `schema`",
        );
    }
    if let Some(database) = &schema.database {
        is_empty(
            database,
            "a database of the registry has a name: write one or remove `database`",
        );
    }
    for name in schema
        .indexes
        .iter()
        .filter_map(|index| index.name.as_ref())
    {
        is_empty(name, "an index needs a name: write one or remove `name`");
    }
}

pub(super) fn has_a_key(schema: &Schema, errors: &mut Errors) {
    if schema.keys().is_empty() {
        let name = &schema.target.ident;
        let message =
            format!("`{name}` has no key: name a field `id` or mark one with `#[field(key)]`");
        errors.at(name.span(), message);
    }
}

pub(super) fn indexes_name_columns(schema: &Schema, errors: &mut Errors) {
    let by_index = Reference {
        by: "an index".to_owned(),
        remedy: "name fields of the struct that are columns".to_owned(),
    };
    for index in &schema.indexes {
        for (at, name) in index.fields.iter().enumerate() {
            let text = name.unraw();
            let mut earlier = index.fields.iter().take(at);
            if earlier.any(|earlier| earlier.unraw() == text) {
                let message =
                    format!("`{text}` is listed twice in one index: remove one of the two");
                errors.at(name.span(), message);
            } else {
                is_column(schema, name, &by_index, errors);
            }
        }
    }
}

/// An association and a field of one name would be two constants of that name.
pub(super) fn associations_have_own_names(schema: &Schema, errors: &mut Errors) {
    for (at, association) in schema.associations.iter().enumerate() {
        let name = association.name.unraw();
        let mut earlier = schema.associations.iter().take(at);
        if schema.field(&name).is_some() {
            let message = format!("`{name}` is a field already: give the association another name");
            errors.at(association.name.span(), message);
        } else if earlier.any(|earlier| earlier.name.unraw() == name) {
            let message = format!("two associations are named `{name}`: rename one of the two");
            errors.at(association.name.span(), message);
        }
    }
}

pub(super) fn associations_have_a_field(schema: &Schema, errors: &mut Errors) {
    for association in &schema.associations {
        let (name, word) = (&association.name, association.cardinality.argument_name());
        let option = association.cardinality.own_option();
        match &association.own {
            Some(own) => {
                let by_association = Reference {
                    by: format!("`{word}({name}: …)`"),
                    remedy: format!("add one or name another with `{option} = \"…\"`"),
                };
                // `has_a_key` reports a missing key already; the association that refers to it is not at fault.
                let is_missing_key = schema.keys().is_empty() && option == "references";
                if !(is_missing_key && own == "id") {
                    is_column(schema, own, &by_association, errors);
                }
            }
            None => {
                let message = format!(
                    "the key has several fields: \
                     say which one `{name}` reaches with `{option} = \"…\"`"
                );
                errors.at(name.span(), message);
            }
        }
    }
}

/// Reports a name that is no column, with the column that was probably meant.
fn is_column(schema: &Schema, name: &Ident, used: &Reference, errors: &mut Errors) {
    let text = name.unraw().to_string();
    let Reference { by, remedy } = used;
    let message = match schema.field(name).map(|field| &field.mapping) {
        Some(Mapping::Column) => return,
        Some(Mapping::Embed(_)) => {
            format!("`{text}` is embedded, {by} needs a column: {remedy}")
        }
        Some(Mapping::Skip) => format!("`{text}` is skipped, {by} needs a column: {remedy}"),
        None => {
            let columns = schema.fields.iter().filter(|field| field.is_column());
            let columns: Vec<String> = columns.map(Field::name).collect();
            let meant = naming::did_you_mean(&text, columns.iter().map(String::as_str));
            let target = &schema.target.ident;
            format!("`{target}` has no field `{text}` for {by}: {meant}{remedy}")
        }
    };
    errors.at(name.span(), message);
}
