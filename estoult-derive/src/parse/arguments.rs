//! The values of the arguments of each attribute, as data: one struct per attribute.

use proc_macro2::Ident;
use syn::{Path, Type};

use crate::{
    model::{Cardinality, Index, Source, Spanned},
    naming::Case,
};

/// The arguments of `#[schema(...)]`.
#[derive(Default)]
pub(crate) struct SchemaArguments {
    pub(crate) table: Option<Spanned<String>>,
    pub(crate) namespace: Option<Spanned<String>>,
    pub(crate) database: Option<Spanned<String>>,
    pub(crate) rename_all: Option<Case>,
    pub(crate) root: Option<Path>,
    pub(crate) indexes: Vec<Index>,
    pub(crate) associations: Vec<AssociationArguments>,
}

/// One association in `has_many(...)`, `has_one(...)` or `belongs_to(...)`.
pub(crate) struct AssociationArguments {
    pub(crate) cardinality: Cardinality,
    pub(crate) name: Ident,
    pub(crate) target: Type,
    pub(crate) key: Option<Ident>,
    pub(crate) references: Option<Ident>,
}

/// The arguments of `#[field(...)]` that have a value.
#[derive(Default)]
pub(crate) struct FieldArguments {
    pub(crate) column: Option<Spanned<String>>,
    pub(crate) prefix: Option<Spanned<String>>,
    pub(crate) source: Option<Source>,
}

/// The arguments of `#[embedded(...)]`.
#[derive(Default)]
pub(crate) struct EmbeddedArguments {
    pub(crate) rename_all: Option<Case>,
    pub(crate) root: Option<Path>,
}

/// The arguments of `#[value(...)]` on a type.
#[derive(Default)]
pub(crate) struct ValueArguments {
    pub(crate) native: Option<Spanned<String>>,
    pub(crate) rename_all: Option<Case>,
    pub(crate) root: Option<Path>,
}

/// The arguments of `#[value(...)]` on a variant.
#[derive(Default)]
pub(crate) struct VariantArguments {
    pub(crate) label: Option<Spanned<String>>,
}

/// The arguments of `#[row(...)]` on a struct.
#[derive(Default)]
pub(crate) struct RowArguments {
    pub(crate) schema: Option<Path>,
    pub(crate) root: Option<Path>,
}

/// The arguments of `#[row(...)]` on a field.
#[derive(Default)]
pub(crate) struct RowFieldArguments {
    pub(crate) column: Option<Spanned<String>>,
}
