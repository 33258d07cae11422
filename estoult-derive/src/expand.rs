//! Models to tokens: the items that each derive generates, all in one `const _`.
//!
//! Invariant: no attribute of syn is read here, and every path starts at the root of estoult or of std.

mod association;
mod changeset;
mod embedded;
mod field;
mod output;
mod row;
mod schema;
mod value;

use proc_macro2::TokenStream;
use quote::quote;

use crate::model::{Embedded, Row, Schema, Value};

pub(crate) fn schema(schema: &Schema) -> TokenStream {
    in_const_block([
        schema::constants(schema),
        association::constants(schema),
        changeset::literal(schema),
        changeset::new_row(schema),
        row::of_schema(schema),
        schema::implementation(schema),
    ])
}

pub(crate) fn embedded(embedded: &Embedded) -> TokenStream {
    in_const_block([
        embedded::columns(embedded),
        embedded::implementation(embedded),
    ])
}

pub(crate) fn value(value: &Value) -> TokenStream {
    in_const_block([value::implementation(value)])
}

pub(crate) fn row(row: &Row) -> TokenStream {
    in_const_block([row::of_struct(row), row::selection(row)])
}

/// Wraps the generated items.
fn in_const_block(items: impl IntoIterator<Item = TokenStream>) -> TokenStream {
    // The block keeps the names of helper types out of the user's module; its impls count everywhere.
    // `allow` instead of `expect`, because no expansion triggers all of these lints.
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

#[cfg(test)]
mod tests;
