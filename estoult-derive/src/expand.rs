//! Models to tokens: the list of what each derive generates, all of it in one `const _`.
//!
//! Invariant: no attribute of syn is read here, and every path starts at the root of estoult or of std.

mod association;
mod changeset;
mod embedded;
mod field;
mod row;
mod schema;
mod value;

use proc_macro2::TokenStream;
use quote::quote;

use crate::model::{Embedded, Row, Schema, Target, Value};

pub(crate) fn schema(schema: &Schema) -> TokenStream {
    apart([
        schema::constants(schema),
        association::constants(schema),
        changeset::literal(schema),
        changeset::new_row(schema),
        row::of_schema(schema),
        schema::implementation(schema),
    ])
}

pub(crate) fn embedded(embedded: &Embedded) -> TokenStream {
    apart([
        embedded::columns(embedded),
        embedded::constructor(embedded),
        embedded::implementation(embedded),
    ])
}

pub(crate) fn value(value: &Value) -> TokenStream {
    apart([value::implementation(value)])
}

pub(crate) fn row(row: &Row) -> TokenStream {
    apart([row::of_struct(row), row::selection(row)])
}

/// Keeps the generated items out of the module that they stand in.
fn apart(items: impl IntoIterator<Item = TokenStream>) -> TokenStream {
    let items = items.into_iter();
    quote! {
        #[doc(hidden)]
        #[allow(
            dead_code,
            deprecated,
            missing_debug_implementations,
            non_camel_case_types,
            non_upper_case_globals,
            private_interfaces,
            unused_qualifications,
            unused_variables,
            reason = "generated: constants are named like their fields, and not every program uses all"
        )]
        const _: () = {
            #(#items)*
        };
    }
}

/// The path of what only generated code uses.
fn private(target: &Target) -> TokenStream {
    let root = &target.root;
    quote!(#root::__private)
}

/// A first sentence of our own, then what the user wrote.
fn documented(sentence: &str, docs: &str) -> String {
    format!("{sentence}\n\n{docs}").trim_end().to_owned()
}

#[cfg(test)]
mod tests;
