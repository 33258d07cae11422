//! A struct with `derive(FromRow)`.

use syn::{DeriveInput, ext::IdentExt};

use crate::{
    errors::Errors,
    model::{Row, RowField},
    parse::arguments::{RowArguments, RowFieldArguments},
    parse::attribute::{ROW, ROW_FIELD},
    parse::{named_fields, spanned, target},
};

pub(crate) fn row(input: &DeriveInput, errors: &mut Errors) -> Option<Row> {
    let mut arguments = RowArguments::default();
    ROW.read(&input.attrs, &mut arguments, errors);
    let target = target(input, "FromRow", arguments.root.take(), errors);
    let fields = named_fields(input, "FromRow", errors)?
        .into_iter()
        .filter_map(|field| read_field(field, errors))
        .collect();
    Some(Row {
        target,
        schema: arguments.schema,
        fields,
    })
}

fn read_field(field: &syn::Field, errors: &mut Errors) -> Option<RowField> {
    let mut arguments = RowFieldArguments::default();
    let given = ROW_FIELD.read(&field.attrs, &mut arguments, errors);
    let ident = field.ident.clone()?;
    let column = arguments
        .column
        .unwrap_or_else(|| spanned(ident.unraw().to_string(), ident.span()));
    Some(RowField {
        ty: field.ty.clone(),
        column: (!given.has("skip")).then_some(column),
        given,
        ident,
    })
}
