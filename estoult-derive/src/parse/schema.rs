//! A struct with `derive(Schema)`: its attributes, then what they leave to the rules of thumb.

use syn::{DeriveInput, ext::IdentExt};

use crate::{
    errors::Errors,
    model::{Association, Cardinality, Field, Given, Indexed, Place, Schema, Source},
    naming::{self, Case},
    parse::attribute::{AssociationWords, FIELD, FieldWords, SCHEMA, SchemaWords},
    parse::{docs, named_fields, spanned, target},
};

pub(crate) fn schema(input: &DeriveInput, errors: &mut Errors) -> Option<Schema> {
    let mut words = SchemaWords::default();
    SCHEMA.read(&input.attrs, &mut words, errors);
    FIELD.refuse(&input.attrs, "a struct: write `#[schema(…)]`", errors);
    let target = target(input, "Schema", words.root.take(), errors);
    let mut fields: Vec<Field> = named_fields(input, "Schema", errors)?
        .into_iter()
        .filter_map(|field| read_field(field, words.rename_all, errors))
        .collect();
    choose_key(&mut fields);
    let name = target.ident.unraw().to_string();
    let associations: Vec<Association> = words
        .associations
        .into_iter()
        .filter_map(|words| association(&name, &fields, words))
        .collect();
    choose_source(&mut fields, &associations);
    let table = words
        .table
        .unwrap_or_else(|| spanned(naming::table(&name), target.ident.span()));
    Some(Schema {
        target,
        table,
        namespace: words.namespace,
        database: words.database,
        fields,
        indexes: words.indexes,
        associations,
    })
}

fn read_field(field: &syn::Field, case: Option<Case>, errors: &mut Errors) -> Option<Field> {
    let mut words = FieldWords::default();
    let given = FIELD.read(&field.attrs, &mut words, errors);
    SCHEMA.refuse(&field.attrs, "a field: write `#[field(…)]`", errors);
    self::field(field, case, words, given)
}

/// A field of a schema or of an embedded struct, out of what its attributes say.
pub(super) fn field(
    field: &syn::Field,
    case: Option<Case>,
    words: FieldWords,
    given: Given,
) -> Option<Field> {
    let ident = field.ident.clone()?;
    let name = ident.unraw().to_string();
    let place = if given.has("skip") {
        Place::Skip
    } else if given.has("embed") {
        let prefix = words.prefix.map(|prefix| prefix.value);
        Place::Embed(prefix.unwrap_or_else(|| format!("{name}_")))
    } else {
        Place::Column
    };
    let column = case.map_or_else(|| name.clone(), |case| case.apply(&name));
    let indexed = if given.has("unique") {
        Some(Indexed::Unique)
    } else {
        given.has("index").then_some(Indexed::Plain)
    };
    Some(Field {
        ty: field.ty.clone(),
        docs: docs(&field.attrs),
        place,
        column: words
            .column
            .unwrap_or_else(|| spanned(column, ident.span())),
        key: given.has("key"),
        source: words.source.unwrap_or(Source::Program),
        indexed,
        redacted: given.has("redact"),
        given,
        ident,
    })
}

/// Without a word the field `id` is the key.
fn choose_key(fields: &mut [Field]) {
    if fields.iter().any(|field| field.key) {
        return;
    }
    let id = fields.iter_mut().find(|field| field.name() == "id");
    if let Some(id) = id.filter(|id| id.is_column()) {
        id.key = true;
    }
}

/// Without a word a single key that is an integer is counted by the database, and a `Uuid` is made
/// by the library; but not one that is copied from the row it belongs to.
fn choose_source(fields: &mut [Field], associations: &[Association]) {
    let mut keys: Vec<&mut Field> = fields.iter_mut().filter(|field| field.key).collect();
    let [key] = keys.as_mut_slice() else {
        return;
    };
    let has_word = ["generated", "uuid", "default", "default_sql", "tenant"]
        .iter()
        .any(|word| key.given.has(word));
    let is_foreign = associations.iter().any(|association| {
        association.cardinality == Cardinality::BelongsTo
            && association.own.as_ref().map(IdentExt::unraw) == Some(key.ident.unraw())
    });
    if has_word || is_foreign {
        return;
    }
    match key.type_name().as_deref() {
        Some("i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64") => {
            key.source = Source::Generated;
        }
        Some("Uuid") => key.source = Source::UuidV7,
        _ => {}
    }
}

/// Puts the usual names where an association gives none.
fn association(schema: &str, fields: &[Field], words: AssociationWords) -> Option<Association> {
    let span = words.name.span();
    let id = naming::identifier("id", span);
    let (own, other) = if words.cardinality == Cardinality::BelongsTo {
        let key = format!("{}_id", words.name.unraw());
        let key = naming::identifier(&key, span);
        (words.key.or(key), words.references.or(id))
    } else {
        let mut keys = fields.iter().filter(|field| field.key);
        let key = match (keys.next(), keys.next()) {
            (Some(only), None) => naming::identifier(&only.name(), span),
            (None, _) => id,
            _ => None,
        };
        let foreign = naming::identifier(&naming::foreign_key(schema), span);
        (words.references.or(key), words.key.or(foreign))
    };
    Some(Association {
        cardinality: words.cardinality,
        name: words.name,
        target: words.target,
        own,
        other: other?,
    })
}
