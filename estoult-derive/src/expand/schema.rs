//! `impl Model`: the table, its key, and the constants that name its columns.

use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::{
    expand::{
        association, field,
        output::{documented, private},
    },
    model::{Field, Index, IndexKind, Mapping, Schema, Source, Target},
};

/// One constant per field: `Book::title`.
pub(super) fn constants(schema: &Schema) -> TokenStream {
    let target = &schema.target;
    let name = &target.ident;
    let constants = schema.fields.iter().map(|field| constant(target, field));
    quote! {
        impl #name {
            #(#constants)*
        }
    }
}

fn constant(target: &Target, field: &Field) -> TokenStream {
    let (root, private, visibility, name) = (
        &target.root,
        private(target),
        &target.visibility,
        &target.ident,
    );
    let (ident, ty, column) = (&field.ident, &field.ty, &field.column.value);
    match &field.mapping {
        Mapping::Column => {
            let docs = documented(&format!("Column `{column}`."), &field.docs);
            quote! {
                #[doc = #docs]
                #visibility const #ident: #root::Column<#name, #ty> = #root::Column::new("", #column);
            }
        }
        Mapping::Embed(prefix) => {
            let docs = documented(&format!("Columns `{prefix}*`."), &field.docs);
            // The span puts the error about a type without `derive(Embedded)` at that type.
            let columns = quote_spanned!(ty.span()=> <#ty as #private::Embedded>::Columns::<#name>);
            let at = quote_spanned!(ty.span()=> <#columns>::__at(#prefix));
            quote! {
                #[doc = #docs]
                #visibility const #ident: #columns = #at;
            }
        }
        Mapping::Skip => TokenStream::new(),
    }
}

pub(super) fn implementation(schema: &Schema) -> TokenStream {
    let target = &schema.target;
    let (private, name) = (private(target), &target.ident);
    let literal = target.sibling("New", "");
    let (key, key_function) = key(schema);
    // The table is built on first use: the names of embedded columns are joined at run time.
    let (require_traits, table) = (field::require_traits(target, &schema.fields), table(schema));
    let tenant = tenant(schema);
    let datum = field::datum(target, &schema.fields);
    let assign = field::assign(target, &schema.fields);
    quote! {
        #[automatically_derived]
        impl #private::Model for #name {
            type New = #literal;
            type Key = #key;
            type Tenant = #tenant;

            fn table_spec() -> &'static #private::Table {
                static TABLE: #private::LazyLock<#private::Table> =
                    #private::LazyLock::new(|| {
                        #require_traits
                        #table
                    });
                &TABLE
            }

            #key_function
            #datum
            #assign

            fn statement_cache() -> &'static #private::StatementCache {
                static CACHE: #private::StatementCache = #private::StatementCache::new();
                &CACHE
            }
        }
    }
}

/// The tenant that the verbs run for.
fn tenant(schema: &Schema) -> TokenStream {
    let root = &schema.target.root;
    match schema.tenant() {
        Some(Field { ty, .. }) => quote!(#root::schema::Tenant<#ty>),
        None => quote!(#root::schema::Untenanted),
    }
}

/// The type of the key, and `fn primary_key`.
fn key(schema: &Schema) -> (TokenStream, TokenStream) {
    let keys = schema.keys();
    let parts = keys.iter().map(|key| &key.ty);
    let values = keys.iter().map(|key| {
        let ident = &key.ident;
        quote!(::core::clone::Clone::clone(&self.#ident))
    });
    // A single column is no tuple, so that programs write `Book::get(&db, 7)`.
    let (key, value) = if keys.len() == 1 {
        (quote!(#(#parts)*), quote!(#(#values)*))
    } else {
        (quote!((#(#parts),*)), quote!((#(#values),*)))
    };
    let function = quote! {
        fn primary_key(&self) -> #key {
            #value
        }
    };
    (key, function)
}

/// The description of the table, built once.
fn table(schema: &Schema) -> TokenStream {
    let private = private(&schema.target);
    let table = &schema.table.value;
    let namespace = schema.namespace.iter().map(|name| &name.value);
    let database = schema.database.iter().map(|name| &name.value);
    let docs = docs(&schema.target.docs);
    let columns = schema.fields.iter().map(|field| match &field.mapping {
        Mapping::Column => {
            let spec = column(&schema.target, field);
            quote!(.column(#spec))
        }
        Mapping::Embed(prefix) => {
            let (ty, name) = (&field.ty, field.name());
            quote!(.embed::<#ty>(#prefix, #name))
        }
        Mapping::Skip => TokenStream::new(),
    });
    let indexes = schema
        .indexes
        .iter()
        .map(|index| self::index(schema, index));
    let associations = schema
        .associations
        .iter()
        .map(|association| association::spec(schema, association));
    quote! {
        #private::Table::new(#table)
            #(.in_schema(#namespace))*
            #(.in_database(#database))*
            #docs
            #(#columns)*
            #(#indexes)*
            #(.association(#associations))*
    }
}

fn column(target: &Target, field: &Field) -> TokenStream {
    let private = private(target);
    let (ty, column, name) = (&field.ty, &field.column.value, field.name());
    let key = field.key.then(|| quote!(.key()));
    let source = source(target, field);
    let details = details(field);
    quote!(#private::ColumnSpec::of::<#ty>(#column, #name) #key #source #details)
}

/// The parts of a column's description that schemas and embedded structs share.
pub(super) fn details(field: &Field) -> TokenStream {
    let indexed = field.indexed.map(|indexed| match indexed {
        IndexKind::Plain => quote!(.indexed()),
        IndexKind::Unique => quote!(.unique()),
    });
    let redacted = field.redacted.then(|| quote!(.redacted()));
    let docs = docs(&field.docs);
    quote!(#indexed #redacted #docs)
}

/// The default of the column, unless the program must set the value.
fn source(target: &Target, field: &Field) -> TokenStream {
    let (private, ty) = (private(target), &field.ty);
    match &field.source {
        Source::Program => TokenStream::new(),
        Source::Generated => quote!(.generated()),
        Source::UuidV4 => quote!(.uuid_v4()),
        Source::UuidV7 => quote!(.uuid_v7()),
        Source::CreatedAt => quote!(.created_at()),
        Source::UpdatedAt => quote!(.updated_at()),
        Source::Tenant => quote!(.tenant()),
        Source::DefaultSql(sql) => {
            let sql = &sql.value;
            quote!(.default_sql(#sql))
        }
        Source::Default(expression) => {
            let expression = expression.as_ref().map_or_else(
                || quote!(<#ty as ::core::default::Default>::default()),
                |expression| quote!(#expression),
            );
            // The annotation makes a literal such as `0` the type of the field.
            quote! {
                .default_with(|| {
                    let value: #ty = #expression;
                    <#ty as #private::Value>::to_datum(&value)
                })
            }
        }
    }
}

fn docs(docs: &str) -> TokenStream {
    if docs.is_empty() {
        return TokenStream::new();
    }
    let docs = Literal::string(docs);
    quote!(.docs(#docs))
}

fn index(schema: &Schema, index: &Index) -> TokenStream {
    let fields = index.fields.iter().filter_map(|name| schema.field(name));
    let columns = fields.map(|field| &field.column.value);
    let name = index.name.as_ref().map_or_else(
        || quote!(::core::option::Option::None),
        |name| {
            let name = &name.value;
            quote!(::core::option::Option::Some(#name))
        },
    );
    match index.kind {
        IndexKind::Plain => quote!(.index(&[#(#columns),*], #name)),
        IndexKind::Unique => quote!(.unique(&[#(#columns),*], #name)),
    }
}
