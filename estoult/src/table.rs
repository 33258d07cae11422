//! What a table is, as data: its name, columns, key, indexes and associations, and the types that describe one.
//!
//! Invariant: a description knows no query and no database; modules above run statements. The texts that a
//! table caches are opaque to it.

mod changes;
mod column;
mod embedded;
mod index;
mod model;
mod statement_cache;
#[expect(
    clippy::module_inception,
    reason = "a file is named after its main type"
)]
mod table;
mod tenant;

pub(crate) use self::statement_cache::FixedStatement;
pub use self::{
    changes::Changes,
    column::{Column, ColumnName, ColumnSpec, DefaultValue},
    embedded::Embedded,
    index::IndexSpec,
    model::{Key, Model, NewRow},
    statement_cache::StatementCache,
    table::{AssociationSpec, Cardinality, Table, column_names},
    tenant::{SameTenant, Tenant, Untenanted},
};
