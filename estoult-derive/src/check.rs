//! The rules that span arguments or fields: one function each, listed in the function of each derive.
//!
//! Invariant: nothing here changes a model.

mod column;
mod reference;
mod value;

use crate::{
    errors::Errors,
    model::{Embedded, Row, Schema, Value},
};

pub(crate) fn schema(schema: &Schema, errors: &mut Errors) {
    for field in &schema.fields {
        column::skipped_stands_alone(field, errors);
        column::embedded_has_only_a_prefix(field, errors);
        column::prefix_needs_embed(field, errors);
        column::embedded_is_not_optional(field, errors);
        column::has_one_source(field, errors);
        column::has_one_index(field, errors);
        column::generated_is_an_integer(field, errors);
        column::uuid_is_a_uuid(field, errors);
        column::key_is_not_optional(field, errors);
        column::tenant_is_not_optional(field, errors);
        column::has_a_name(field, errors);
    }
    column::has_one_tenant(&schema.fields, errors);
    column::names_differ(&schema.fields, errors);
    column::prefixes_differ(&schema.fields, errors);
    reference::table_has_a_name(schema, errors);
    reference::has_a_key(schema, errors);
    reference::indexes_name_columns(schema, errors);
    reference::associations_have_own_names(schema, errors);
    reference::associations_have_a_field(schema, errors);
}

pub(crate) fn embedded(embedded: &Embedded, errors: &mut Errors) {
    for field in &embedded.fields {
        column::skipped_stands_alone(field, errors);
        column::has_a_name(field, errors);
    }
    column::names_differ(&embedded.fields, errors);
    column::has_columns(&embedded.target, &embedded.fields, errors);
}

pub(crate) fn value(checked: &Value, errors: &mut Errors) {
    value::has_one_form(checked, errors);
    value::form_fits_the_type(checked, errors);
    value::has_variants(checked, errors);
    value::labels_differ(checked, errors);
    value::enum_type_has_a_name(checked, errors);
}

pub(crate) fn row(row: &Row, errors: &mut Errors) {
    column::row_fields_skip_or_name(row, errors);
    column::row_columns_differ(row, errors);
    column::row_columns_are_fields(row, errors);
}

#[cfg(test)]
mod tests;
