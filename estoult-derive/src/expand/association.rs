//! Associations: a constant each (`Author::books`) and its entry in the table.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use crate::{
    expand::private,
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
    let reached = quote!(#target).to_string().replace(' ', "");
    let docs = match association.cardinality {
        Cardinality::HasMany => format!("The rows of `{reached}` that point at this one."),
        Cardinality::HasOne => format!("The row of `{reached}` that points at this one."),
        Cardinality::BelongsTo => format!("The row of `{reached}` that this one points at."),
    };
    // Columns that don't fit each other are told at the association.
    let span = Span::call_site().located_at(ident.span());
    let value = quote_spanned!(span=> #root::#kind::on(<#name>::#own, <#target>::#other));
    quote! {
        #[doc = #docs]
        #visibility const #ident: #root::#kind<#name, #target> = #value;
    }
}

/// What the table knows of an association. The name of the other column is asked of its constant,
/// since only the other schema knows it; it is kept as long as the table, which is for ever.
pub(super) fn spec(schema: &Schema, association: &Association) -> TokenStream {
    let (root, private) = (&schema.target.root, private(&schema.target));
    let own = association.own.iter().filter_map(|own| schema.field(own));
    let own = own.map(|field| &field.column.value);
    let (target, other) = (&association.target, &association.other);
    let name = association.name();
    let kind = format_ident!("{}", association.cardinality.type_name());
    quote! {
        #private::AssociationSpec::new(
            #name,
            #private::Cardinality::#kind,
            #(#own,)*
            ::std::string::String::leak(
                ::std::string::ToString::to_string(&<#target>::#other.name()),
            ),
            || <#target as #root::Schema>::table(),
        )
    }
}
