//! Code that reads and writes a field by the name of its column.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Type, spanned::Spanned};

use crate::{
    expand::output::private,
    model::{Field, Mapping, Target},
};

/// A first statement that requires the traits of the fields' types.
pub(super) fn require_traits<'a>(
    target: &Target,
    fields: impl IntoIterator<Item = &'a Field>,
) -> TokenStream {
    // The same expression with the same span everywhere: rustc then reports a type that can't be stored once, instead
    // of once per use.
    let private = private(target);
    let require_traits = fields.into_iter().filter_map(|field| {
        let ty = &field.ty;
        match field.mapping {
            Mapping::Column => Some(quote_spanned!(ty.span()=> <#ty as #private::Value>::NULLABLE)),
            Mapping::Embed(_) => {
                Some(quote_spanned!(ty.span()=> <#ty as #private::Embedded>::columns))
            }
            Mapping::Skip => None,
        }
    });
    quote!(let _ = (#(#require_traits,)*);)
}

/// `fn datum`: the value of a column.
pub(super) fn datum(target: &Target, fields: &[Field]) -> TokenStream {
    let private = private(target);
    let arms = arms(
        fields,
        |ident, ty| quote!(<#ty as #private::Value>::to_datum(&self.#ident)),
    );
    let embedded = embedded(
        fields,
        |ident, ty| quote!(<#ty as #private::Embedded>::datum(&self.#ident, column)),
    );
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
    let arms = arms(
        fields,
        |ident, ty| quote!(#private::assign::<#ty>(&mut self.#ident, value)),
    );
    let embedded = embedded(
        fields,
        |ident, ty| quote!(<#ty as #private::Embedded>::assign(&mut self.#ident, column, value)),
    );
    let require_traits = require_traits(target, fields);
    quote! {
        fn assign(
            &mut self,
            column: &str,
            value: #private::DatumRef<'_>,
        ) -> ::core::option::Option<::core::result::Result<(), #private::Mismatch>> {
            #require_traits
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
    // Rust evaluates the fields of a literal in the order in which they are written, that of the columns.
    let decoded = fields.iter().map(|field| {
        let (ident, ty) = (&field.ident, &field.ty);
        match field.mapping {
            Mapping::Column => quote!(#ident: row.read::<#ty>()?),
            Mapping::Embed(_) => quote!(#ident: <#ty as #private::Embedded>::from_row(row)?),
            Mapping::Skip => quote!(#ident: <#ty as ::core::default::Default>::default()),
        }
    });
    decoded.collect()
}

/// One arm of a `match` per column of the struct itself, with what `value` makes of the field and its type.
fn arms(fields: &[Field], value: impl Fn(&Ident, &Type) -> TokenStream) -> Vec<TokenStream> {
    let columns = fields.iter().filter(|field| field.is_column());
    let arms = columns.map(|field| {
        let (column, value) = (&field.column.value, value(&field.ident, &field.ty));
        quote!(#column => ::core::option::Option::Some(#value),)
    });
    arms.collect()
}

/// One statement per embedded struct, which returns what `value` makes of it if the column is one of its own.
fn embedded(fields: &[Field], value: impl Fn(&Ident, &Type) -> TokenStream) -> Vec<TokenStream> {
    let statements = fields.iter().filter_map(|field| {
        let Mapping::Embed(prefix) = &field.mapping else {
            return None;
        };
        let value = value(&field.ident, &field.ty);
        // One prefix may begin another, so a column that is not in this struct may be in the next.
        Some(quote! {
            if let ::core::option::Option::Some(column) = column.strip_prefix(#prefix) {
                let found = #value;
                if found.is_some() {
                    return found;
                }
            }
        })
    });
    statements.collect()
}
