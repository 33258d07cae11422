//! Reading and writing one field by the name of its column.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::{
    expand::private,
    model::{Field, Place, Target},
};

/// A first statement that asks only for the traits of the fields' types, in the same words everywhere:
/// so rustc tells of a type that can't be stored once, and not once a use.
pub(super) fn asked<'a>(
    target: &Target,
    fields: impl IntoIterator<Item = &'a Field>,
) -> TokenStream {
    let private = private(target);
    let asked = fields.into_iter().filter_map(|field| {
        let ty = &field.ty;
        match field.place {
            Place::Column => Some(quote_spanned!(ty.span()=> <#ty as #private::Value>::NULLABLE)),
            Place::Embed(_) => {
                Some(quote_spanned!(ty.span()=> <#ty as #private::Embedded>::columns))
            }
            Place::Skip => None,
        }
    });
    quote!(let _ = (#(#asked,)*);)
}

/// `fn datum`: what is kept in a column.
pub(super) fn datum(target: &Target, fields: &[Field]) -> TokenStream {
    let private = private(target);
    let arms = fields
        .iter()
        .filter(|field| field.is_column())
        .map(|field| {
            let (ident, ty, column) = (&field.ident, &field.ty, &field.column.value);
            quote! {
                #column => ::core::option::Option::Some(
                    <#ty as #private::Value>::to_datum(&self.#ident),
                ),
            }
        });
    let embedded = fields.iter().filter_map(|field| {
        let Place::Embed(prefix) = &field.place else {
            return None;
        };
        let (ident, ty) = (&field.ident, &field.ty);
        Some(quote! {
            if let ::core::option::Option::Some(column) = column.strip_prefix(#prefix) {
                let datum = <#ty as #private::Embedded>::datum(&self.#ident, column);
                if datum.is_some() {
                    return datum;
                }
            }
        })
    });
    quote! {
        fn datum(&self, column: &str) -> ::core::option::Option<#private::Datum> {
            match column {
                #(#arms)*
                _ => {
                    #(#embedded)*
                    ::core::option::Option::None
                }
            }
        }
    }
}

/// `fn assign`: puts a value into the field of a column.
pub(super) fn assign(target: &Target, fields: &[Field]) -> TokenStream {
    let private = private(target);
    let arms = fields
        .iter()
        .filter(|field| field.is_column())
        .map(|field| {
            let (ident, ty, column) = (&field.ident, &field.ty, &field.column.value);
            quote! {
                #column => ::core::option::Option::Some(
                    #private::assign::<#ty>(&mut self.#ident, value),
                ),
            }
        });
    let embedded = fields.iter().filter_map(|field| {
        let Place::Embed(prefix) = &field.place else {
            return None;
        };
        let (ident, ty) = (&field.ident, &field.ty);
        Some(quote! {
            if let ::core::option::Option::Some(column) = column.strip_prefix(#prefix) {
                let assigned = <#ty as #private::Embedded>::assign(&mut self.#ident, column, value);
                if assigned.is_some() {
                    return assigned;
                }
            }
        })
    });
    let asked = asked(target, fields);
    quote! {
        fn assign(
            &mut self,
            column: &str,
            value: #private::DatumRef<'_>,
        ) -> ::core::option::Option<::core::result::Result<(), #private::Mismatch>> {
            #asked
            match column {
                #(#arms)*
                _ => {
                    #(#embedded)*
                    ::core::option::Option::None
                }
            }
        }
    }
}

/// The fields of a struct literal, each one out of the next columns of `row`.
pub(super) fn decoded(target: &Target, fields: &[Field]) -> Vec<TokenStream> {
    let private = private(target);
    let decoded = fields.iter().map(|field| {
        let (ident, ty) = (&field.ident, &field.ty);
        match field.place {
            Place::Column => quote!(#ident: row.read::<#ty>()?),
            Place::Embed(_) => quote!(#ident: <#ty as #private::Embedded>::from_row(row)?),
            Place::Skip => quote!(#ident: <#ty as ::core::default::Default>::default()),
        }
    });
    decoded.collect()
}
