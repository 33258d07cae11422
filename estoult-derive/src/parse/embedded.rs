//! A struct with `derive(Embedded)`.

use syn::DeriveInput;

use crate::{
    errors::Errors,
    model::{Embedded, Field},
    naming::Case,
    parse::arguments::{EmbeddedArguments, FieldArguments},
    parse::attribute::{EMBEDDED, EMBEDDED_FIELD},
    parse::schema::field,
    parse::{named_fields, target},
};

pub(crate) fn embedded(input: &DeriveInput, errors: &mut Errors) -> Option<Embedded> {
    let mut arguments = EmbeddedArguments::default();
    EMBEDDED.read(&input.attrs, &mut arguments, errors);
    EMBEDDED_FIELD.refuse(&input.attrs, "a struct: write `#[embedded(…)]`", errors);
    let target = target(input, "Embedded", arguments.root.take(), errors);
    let fields = named_fields(input, "Embedded", errors)?
        .into_iter()
        .filter_map(|field| read_field(field, arguments.rename_all, errors))
        .collect();
    Some(Embedded { target, fields })
}

fn read_field(read: &syn::Field, case: Option<Case>, errors: &mut Errors) -> Option<Field> {
    let mut arguments = FieldArguments::default();
    let given = EMBEDDED_FIELD.read(&read.attrs, &mut arguments, errors);
    EMBEDDED.refuse(&read.attrs, "a field: write `#[field(…)]`", errors);
    field(read, case, arguments, given)
}
