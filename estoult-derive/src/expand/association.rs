//! Associations: a constant for each (`Author::books`), and its entry in the table.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use crate::{
    expand::output::private,
    model::{Association, Cardinality, Schema},
};

pub(super) fn constants(schema: &Schema) -> TokenStream {
    if schema.associations.is_empty() {
        return TokenStream::new();
    }
    let name = &schema.target.ident;
    let constants = schema
        .associations
        .iter()
        .map(|association| constant(schema, association));
    quote! {
        impl #name {
            #(#constants)*
        }
    }
}

fn constant(schema: &Schema, association: &Association) -> TokenStream {
    let (root, visibility, name) = (
        &schema.target.root,
        &schema.target.visibility,
        &schema.target.ident,
    );
    let (ident, target) = (&association.name, &association.target);
    let (own, other) = (&association.own, &association.other);
    let kind = format_ident!("{}", association.cardinality.type_name());
    // Tokens print with spaces between them.
    let reached = quote!(#target).to_string().replace(' ', "");
    let docs = match association.cardinality {
        Cardinality::HasMany => format!("The rows of `{reached}` that point at this one."),
        Cardinality::HasOne => format!("The row of `{reached}` that points at this one."),
        Cardinality::BelongsTo => format!("The row of `{reached}` that this one points at."),
    };
    // The span puts the error about columns of different types at the association instead of at the derive.
    let span = Span::call_site().located_at(ident.span());
    let value = quote_spanned!(span=> #root::#kind::on(<#name>::#own, <#target>::#other));
    quote! {
        #[doc = #docs]
        #visibility const #ident: #root::#kind<#name, #target> = #value;
    }
}

/// The description of an association in the table.
pub(super) fn spec(schema: &Schema, association: &Association) -> TokenStream {
    let private = private(&schema.target);
    let own = association.own.iter().filter_map(|own| schema.field(own));
    let own = own.map(|field| &field.column.value);
    let (target, other) = (&association.target, &association.other);
    let name = association.name();
    let kind = format_ident!("{}", association.cardinality.type_name());
    // Only the other schema knows the name of its column, so it is read from the constant at run time. The name is
    // leaked once per table, which is a static as well.
    quote! {
        #private::AssociationSpec::new(
            #name,
            #private::Cardinality::#kind,
            #(#own,)*
            ::std::string::String::leak(
                ::std::string::ToString::to_string(&<#target>::#other.name()),
            ),
            || <#target as #private::Model>::table_spec(),
        )
    }
}
