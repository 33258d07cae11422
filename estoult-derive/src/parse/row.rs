//! A struct with `derive(FromRow)`.

use syn::{DeriveInput, ext::IdentExt};

use crate::{
    errors::Errors,
    model::{Row, RowField},
    parse::attribute::{ROW, ROW_FIELD, RowFieldWords, RowWords},
    parse::{named_fields, spanned, target},
};

pub(crate) fn row(input: &DeriveInput, errors: &mut Errors) -> Option<Row> {
    let mut words = RowWords::default();
    ROW.read(&input.attrs, &mut words, errors);
    let target = target(input, "FromRow", words.root.take(), errors);
    let fields = named_fields(input, "FromRow", errors)?
        .into_iter()
        .filter_map(|field| read_field(field, errors))
        .collect();
    Some(Row {
        target,
        schema: words.schema,
        fields,
    })
}

fn read_field(field: &syn::Field, errors: &mut Errors) -> Option<RowField> {
    let mut words = RowFieldWords::default();
    let given = ROW_FIELD.read(&field.attrs, &mut words, errors);
    let ident = field.ident.clone()?;
    let column = words
        .column
        .unwrap_or_else(|| spanned(ident.unraw().to_string(), ident.span()));
    Some(RowField {
        ty: field.ty.clone(),
        column: (!given.has("skip")).then_some(column),
        given,
        ident,
    })
}
