//! `impl FromRow`: one result row to one struct.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use crate::{
    expand::{field, private},
    model::{Row, RowField, Schema},
    naming,
};

/// The rows of a schema: all its columns, in order.
pub(super) fn of_schema(schema: &Schema) -> TokenStream {
    let target = &schema.target;
    let (root, private, name) = (&target.root, private(target), &target.ident);
    let asked = field::asked(target, &schema.fields);
    let fields = field::decoded(target, &schema.fields);
    quote! {
        #[automatically_derived]
        impl #root::FromRow for #name {
            fn columns() -> ::core::option::Option<&'static [&'static str]> {
                ::core::option::Option::Some(
                    #private::column_names(<#name as #root::Schema>::table()),
                )
            }

            fn from_row(row: &mut #root::Row<'_>) -> #root::Result<Self> {
                #asked
                ::core::result::Result::Ok(Self { #(#fields),* })
            }
        }
    }
}

/// The rows of a struct of their own.
pub(super) fn of_struct(row: &Row) -> TokenStream {
    let (root, name) = (&row.target.root, &row.target.ident);
    let columns = row.fields.iter().filter_map(|field| field.column.as_ref());
    let columns = columns.map(|column| &column.value);
    let fields = row.fields.iter().map(|field| {
        let (ident, ty) = (&field.ident, &field.ty);
        if field.column.is_some() {
            quote!(#ident: row.read::<#ty>()?)
        } else {
            quote!(#ident: <#ty as ::core::default::Default>::default())
        }
    });
    quote! {
        #[automatically_derived]
        impl #root::FromRow for #name {
            fn columns() -> ::core::option::Option<&'static [&'static str]> {
                ::core::option::Option::Some(&[#(#columns),*])
            }

            fn from_row(row: &mut #root::Row<'_>) -> #root::Result<Self> {
                ::core::result::Result::Ok(Self { #(#fields),* })
            }
        }
    }
}

/// The columns of a schema that a struct selects, their types compared with its fields.
pub(super) fn selection(row: &Row) -> TokenStream {
    let Some(schema) = &row.schema else {
        return TokenStream::new();
    };
    let (private, name) = (private(&row.target), &row.target.ident);
    let columns = row.fields.iter().filter_map(|field| {
        let RowField { ty, ident, .. } = field;
        let column = field.column.as_ref()?;
        let constant = naming::identifier(&column.value, ident.span())?;
        let constant = quote_spanned!(ident.span()=> <#schema>::#constant);
        Some(quote!(columns.add::<#ty>(#constant);))
    });
    quote! {
        #[automatically_derived]
        impl #private::RowOf<#schema> for #name {
            fn select(columns: &mut #private::Selected<#schema>) {
                #(#columns)*
            }
        }
    }
}
