//! The derives of estoult: `Schema`, `Embedded`, `Value`, `FromRow`.
//!
//! Each one runs three stages: tokens to a model, checks of the model, the model to tokens.
//! One compile run shows all mistakes of a struct, each at its own place and with its remedy.
//! Use them through the crate `estoult`, which re-exports them beside the traits of the same names.

mod check;
mod errors;
mod expand;
mod model;
mod naming;
mod parse;

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use syn::DeriveInput;

use crate::errors::Errors;

#[doc = include_str!("../docs/schema.md")]
#[proc_macro_derive(Schema, attributes(schema, field))]
pub fn derive_schema(input: TokenStream) -> TokenStream {
    expand_with(input, schema)
}

#[doc = include_str!("../docs/embedded.md")]
#[proc_macro_derive(Embedded, attributes(embedded, field))]
pub fn derive_embedded(input: TokenStream) -> TokenStream {
    expand_with(input, embedded)
}

#[doc = include_str!("../docs/value.md")]
#[proc_macro_derive(Value, attributes(value))]
pub fn derive_value(input: TokenStream) -> TokenStream {
    expand_with(input, value)
}

#[doc = include_str!("../docs/from_row.md")]
#[proc_macro_derive(FromRow, attributes(row))]
pub fn derive_from_row(input: TokenStream) -> TokenStream {
    expand_with(input, from_row)
}

fn expand_with(input: TokenStream, derive: fn(Tokens) -> syn::Result<Tokens>) -> TokenStream {
    derive(input.into())
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}

fn schema(input: Tokens) -> syn::Result<Tokens> {
    stages(input, parse::schema, check::schema, expand::schema)
}

fn embedded(input: Tokens) -> syn::Result<Tokens> {
    stages(input, parse::embedded, check::embedded, expand::embedded)
}

fn value(input: Tokens) -> syn::Result<Tokens> {
    stages(input, parse::value, check::value, expand::value)
}

fn from_row(input: Tokens) -> syn::Result<Tokens> {
    stages(input, parse::row, check::row, expand::row)
}

fn stages<M>(
    input: Tokens,
    parse: fn(&DeriveInput, &mut Errors) -> Option<M>,
    check: fn(&M, &mut Errors),
    expand: fn(&M) -> Tokens,
) -> syn::Result<Tokens> {
    let input: DeriveInput = syn::parse2(input)?;
    let mut errors = Errors::default();
    let model = parse(&input, &mut errors);
    // Checked in spite of errors: as much as can be read is checked, so that the user sees all mistakes at once.
    if let Some(model) = &model {
        check(model, &mut errors);
    }
    errors.into_result()?;
    Ok(model.as_ref().map(expand).unwrap_or_default())
}
