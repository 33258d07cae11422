//! `impl FromRow`: decodes a result row into a struct.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use crate::{
    expand::{field, output::private},
    model::{Row, RowField, Schema},
    naming,
};

/// The rows of a schema: all its columns, in order.
pub(super) fn of_schema(schema: &Schema) -> TokenStream {
    let target = &schema.target;
    let (root, private, name) = (&target.root, private(target), &target.ident);
    let require_traits = field::require_traits(target, &schema.fields);
    let fields = field::decoded(target, &schema.fields);
    quote! {
        #[automatically_derived]
        impl #root::FromRow for #name {
            fn columns() -> ::core::option::Option<&'static [&'static str]> {
                ::core::option::Option::Some(
                    #private::column_names(<#name as #private::Model>::table_spec()),
                )
            }

            fn from_row(row: &mut #root::row::Row<'_>) -> #root::Result<Self> {
                #require_traits
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
    // Evaluated in the order in which they are written, that of `columns`.
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

            fn from_row(row: &mut #root::row::Row<'_>) -> #root::Result<Self> {
                ::core::result::Result::Ok(Self { #(#fields),* })
            }
        }
    }
}

/// The columns of a schema that a struct selects; the types of its fields must be theirs.
pub(super) fn selection(row: &Row) -> TokenStream {
    let Some(schema) = &row.schema else {
        return TokenStream::new();
    };
    let (private, name) = (private(&row.target), &row.target.ident);
    let columns = row.fields.iter().filter_map(|field| {
        let RowField { ty, ident, .. } = field;
        let column = field.column.as_ref()?;
        let constant = naming::identifier(&column.value, ident.span())?;
        // The span puts the error about a field of another type at that field.
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
