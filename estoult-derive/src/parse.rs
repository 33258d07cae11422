//! Tokens to models. Every mistake of an attribute is collected; none ends the parsing.
//!
//! Invariant: each argument is judged by itself here; rules that span several are in `check.rs`.

mod argument;
mod arguments;
mod attribute;
mod embedded;
mod list;
mod row;
mod schema;
mod value;

use proc_macro2::Span;
use quote::ToTokens;
use syn::{Attribute, Data, DeriveInput, Expr, Field, Fields, Lit, Meta, Path, parse_quote};

use crate::{
    errors::Errors,
    model::{Spanned, Target},
};

pub(crate) use self::embedded::embedded;
pub(crate) use self::row::row;
pub(crate) use self::schema::schema;
pub(crate) use self::value::value;

/// The target of a derive; refuses a type with parameters.
fn target(input: &DeriveInput, derive: &str, root: Option<Path>, errors: &mut Errors) -> Target {
    let generics = &input.generics;
    if !generics.params.is_empty() || generics.where_clause.is_some() {
        let written = generics.to_token_stream();
        let message = format!(
            "`{derive}` can't be derived for a type with parameters: \
             write one type without them for each use"
        );
        // The tokens of `Generics` leave out the where clause, which then has to be pointed at itself.
        let error = if written.is_empty() {
            syn::Error::new_spanned(&generics.where_clause, message)
        } else {
            syn::Error::new_spanned(written, message)
        };
        errors.push(error);
    }
    Target {
        ident: input.ident.clone(),
        visibility: input.vis.clone(),
        docs: docs(&input.attrs),
        root: root.unwrap_or_else(|| parse_quote!(::estoult)),
    }
}

/// The fields of a struct that names them; anything else is an error.
fn named_fields<'a>(
    input: &'a DeriveInput,
    derive: &str,
    errors: &mut Errors,
) -> Option<Vec<&'a Field>> {
    if let Data::Struct(body) = &input.data
        && let Fields::Named(fields) = &body.fields
    {
        return Some(fields.named.iter().collect());
    }
    let name = &input.ident;
    let message = format!(
        "`{derive}` needs a struct with named fields: write `struct {name} {{ field: Type }}`"
    );
    errors.at(name.span(), message);
    None
}

/// The doc comment of an item as one text.
fn docs(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let Meta::NameValue(meta) = &attribute.meta else {
            return None;
        };
        match &meta.value {
            Expr::Lit(literal) if meta.path.is_ident("doc") => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        }
    });
    // `///` keeps the space behind it, and `/** … */` has all of its lines in one attribute.
    let text: Vec<String> = lines
        .flat_map(|text| text.split('\n').map(str::to_owned).collect::<Vec<_>>())
        .map(|line| {
            line.strip_prefix(' ')
                .unwrap_or(&line)
                .trim_end()
                .to_owned()
        })
        .collect();
    text.join("\n").trim().to_owned()
}

fn spanned<T>(value: T, span: Span) -> Spanned<T> {
    Spanned { value, span }
}

#[cfg(test)]
mod tests;
