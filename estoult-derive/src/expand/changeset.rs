//! The literal of a new row: a struct of all fields that the program must set.

use proc_macro2::TokenStream;
use quote::quote;

use crate::{
    expand::output::private,
    model::{Field, Mapping, Schema},
};

/// `struct NewBook`.
pub(super) fn literal(schema: &Schema) -> TokenStream {
    let (visibility, literal) = (&schema.target.visibility, schema.target.sibling("New", ""));
    let fields = schema.fields.iter().filter(|field| field.is_in_literal());
    let fields = fields.map(|field| {
        let (ident, ty) = (&field.ident, &field.ty);
        let docs = format!("The value of `{}`.", field.name());
        quote! {
            #[doc = #docs]
            #visibility #ident: #ty,
        }
    });
    let docs = format!("A new row of `{}`.", schema.target.ident);
    quote! {
        #[doc = #docs]
        #[doc(hidden)]
        #visibility struct #literal {
            #(#fields)*
        }
    }
}

/// `impl NewRow for NewBook`.
pub(super) fn new_row(schema: &Schema) -> TokenStream {
    let private = private(&schema.target);
    let (name, literal) = (&schema.target.ident, schema.target.sibling("New", ""));
    let fields = schema.fields.iter().filter(|field| field.is_in_literal());
    let changes = fields.map(|field| change(&private, field));
    quote! {
        #[automatically_derived]
        impl #private::NewRow for #literal {
            type Schema = #name;

            fn changes(self, changes: &mut #private::Changes) {
                #(#changes)*
            }
        }
    }
}

fn change(private: &TokenStream, field: &Field) -> TokenStream {
    let (ident, ty, column) = (&field.ident, &field.ty, &field.column.value);
    match &field.mapping {
        Mapping::Column => quote! {
            changes.push(#column, <#ty as #private::Value>::into_datum(self.#ident));
        },
        Mapping::Embed(prefix) => quote! {
            <#ty as #private::Embedded>::changes(self.#ident, #prefix, changes);
        },
        Mapping::Skip => TokenStream::new(),
    }
}
