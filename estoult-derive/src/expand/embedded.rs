//! `impl Embedded`: a struct whose fields are columns of its owner's table.

use proc_macro2::TokenStream;
use quote::quote;

use crate::{
    expand::schema::details,
    expand::{
        field,
        output::{documented, private},
    },
    model::{Embedded, Field},
};

/// `struct AddressColumns<S>`, one typed column per field for any owner, with its constructor `__at("address_")`.
pub(super) fn columns(embedded: &Embedded) -> TokenStream {
    let target = &embedded.target;
    let (root, visibility, columns) = (
        &target.root,
        &target.visibility,
        target.sibling("", "Columns"),
    );
    let (mut fields, mut values) = (Vec::new(), Vec::new());
    for field in embedded.fields.iter().filter(|field| field.is_column()) {
        let (ident, ty, column) = (&field.ident, &field.ty, &field.column.value);
        let docs = documented(
            &format!("Column `{column}` behind the prefix."),
            &field.docs,
        );
        fields.push(quote! {
            #[doc = #docs]
            #visibility #ident: #root::Column<__S, #ty>,
        });
        values.push(quote!(#ident: #root::Column::new(prefix, #column)));
    }
    let docs = format!("The columns of an embedded `{}`.", target.ident);
    // Not in the trait `Embedded`: functions of a trait can't be `const`, and the owner's constants need this one.
    quote! {
        #[doc = #docs]
        #[doc(hidden)]
        #visibility struct #columns<__S> {
            #(#fields)*
        }

        impl<__S> #columns<__S> {
            #[doc(hidden)]
            #visibility const fn __at(prefix: &'static str) -> Self {
                Self { #(#values),* }
            }
        }
    }
}

pub(super) fn implementation(embedded: &Embedded) -> TokenStream {
    let target = &embedded.target;
    let (root, private, name) = (&target.root, private(target), &target.ident);
    let columns = target.sibling("", "Columns");
    let specs = embedded.fields.iter().filter(|field| field.is_column());
    let specs = specs.map(|field| spec(&private, field));
    let require_traits = field::require_traits(target, &embedded.fields);
    let fields = field::decoded(target, &embedded.fields);
    let datum = field::datum(target, &embedded.fields);
    let assign = field::assign(target, &embedded.fields);
    let changes = embedded.fields.iter().filter(|field| field.is_column());
    let changes = changes.map(|field| change(&private, field));
    quote! {
        #[automatically_derived]
        impl #private::Embedded for #name {
            type Columns<__S> = #columns<__S>;

            fn columns(prefix: &str, field: &str) -> ::std::vec::Vec<#private::ColumnSpec> {
                #require_traits
                ::std::vec![#(#specs),*]
            }

            fn from_row(row: &mut #root::row::Row<'_>) -> #root::Result<Self> {
                #require_traits
                ::core::result::Result::Ok(Self { #(#fields),* })
            }

            #datum
            #assign

            fn changes(self, prefix: &'static str, changes: &mut #private::Changes) {
                #(#changes)*
            }
        }
    }
}

fn spec(private: &TokenStream, field: &Field) -> TokenStream {
    let (ty, column, name) = (&field.ty, &field.column.value, field.name());
    let details = details(field);
    quote! {
        #private::ColumnSpec::of::<#ty>([prefix, #column].concat(), [field, ".", #name].concat())
            #details
    }
}

fn change(private: &TokenStream, field: &Field) -> TokenStream {
    let (ident, ty, column) = (&field.ident, &field.ty, &field.column.value);
    quote! {
        changes.put(
            [prefix, #column].concat(),
            <#ty as #private::Value>::into_datum(self.#ident),
        );
    }
}
