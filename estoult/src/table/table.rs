//! [`Table`]: the description of a table, with its columns, keys, indexes and associations.
//!
//! Invariant: no SQL text here.

use once_cell::sync::OnceCell;

use crate::table::{
    column::{ColumnSpec, DefaultValue},
    embedded::Embedded,
    index::IndexSpec,
};

/// A table as its schema describes it.
#[derive(Debug)]
pub struct Table {
    name: &'static str,
    schema: Option<&'static str>,
    database: Option<&'static str>,
    docs: &'static str,
    columns: Vec<ColumnSpec>,
    key: Vec<usize>,
    tenant: Option<usize>,
    indexes: Vec<IndexSpec>,
    associations: Vec<AssociationSpec>,
    // Collected once: every query that matches columns by name reads them.
    names: OnceCell<Vec<&'static str>>,
}

/// How many rows an association leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cardinality {
    /// Any number of rows that refer to this row.
    HasMany,
    /// At most one row that refers to this row.
    HasOne,
    /// The row that this row refers to.
    BelongsTo,
}

/// An association as its schema describes it.
#[derive(Debug, Clone)]
pub struct AssociationSpec {
    /// Its name.
    pub name: &'static str,
    /// How many rows it leads to.
    pub cardinality: Cardinality,
    /// The column of this table.
    pub column: &'static str,
    /// The column of the other table.
    pub other_column: &'static str,
    // A function, since two tables may refer to each other.
    other: fn() -> &'static Table,
}

impl AssociationSpec {
    /// An association over these two columns.
    #[must_use]
    pub fn new(
        name: &'static str,
        cardinality: Cardinality,
        column: &'static str,
        other_column: &'static str,
        other: fn() -> &'static Table,
    ) -> Self {
        Self {
            name,
            cardinality,
            column,
            other_column,
            other,
        }
    }

    /// The other table.
    #[must_use]
    pub fn other_table(&self) -> &'static Table {
        (self.other)()
    }
}

impl Table {
    /// A table without columns.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            schema: None,
            database: None,
            docs: "",
            columns: Vec::new(),
            key: Vec::new(),
            tenant: None,
            indexes: Vec::new(),
            associations: Vec::new(),
            names: OnceCell::new(),
        }
    }

    /// Puts it in a schema of the database.
    #[must_use]
    pub fn in_schema(mut self, schema: &'static str) -> Self {
        self.schema = Some(schema);
        self
    }

    /// Puts it in a database of the registry other than the default one.
    #[must_use]
    pub fn in_database(mut self, name: &'static str) -> Self {
        self.database = Some(name);
        self
    }

    /// Gives it the struct's doc comment.
    #[must_use]
    pub fn docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }

    /// Adds a column.
    #[must_use]
    pub fn column(mut self, column: ColumnSpec) -> Self {
        if column.is_key {
            self.key.push(self.columns.len());
        }
        if matches!(column.default, DefaultValue::Tenant) {
            self.tenant = Some(self.columns.len());
        }
        self.columns.push(column);
        self
    }

    /// Adds the columns of an embedded struct.
    #[must_use]
    pub fn embed<E: Embedded>(mut self, prefix: &str, field: &str) -> Self {
        // No embedded column is a key or a tenant: the derive refuses those attributes there.
        self.columns.extend(E::columns(prefix, field));
        self
    }

    /// Adds an index over several columns.
    #[must_use]
    pub fn index(mut self, columns: &[&'static str], name: Option<&'static str>) -> Self {
        self.indexes.push(IndexSpec {
            name,
            columns: columns.to_vec(),
            is_unique: false,
        });
        self
    }

    /// Adds a unique key over several columns.
    #[must_use]
    pub fn unique(mut self, columns: &[&'static str], name: Option<&'static str>) -> Self {
        self.indexes.push(IndexSpec {
            name,
            columns: columns.to_vec(),
            is_unique: true,
        });
        self
    }

    /// Adds an association.
    #[must_use]
    pub fn association(mut self, association: AssociationSpec) -> Self {
        self.associations.push(association);
        self
    }

    /// The table's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The schema of the database, if the Rust schema names one.
    #[must_use]
    pub fn database_schema(&self) -> Option<&'static str> {
        self.schema
    }

    /// The database of the registry, if the Rust schema names one.
    #[must_use]
    pub fn database(&self) -> Option<&'static str> {
        self.database
    }

    /// The struct's doc comment.
    #[must_use]
    pub fn documentation(&self) -> &'static str {
        self.docs
    }

    /// The columns in the order of the fields.
    #[must_use]
    pub fn columns(&self) -> &[ColumnSpec] {
        &self.columns
    }

    /// The columns of the primary key, in order.
    pub fn key(&self) -> impl ExactSizeIterator<Item = &ColumnSpec> {
        self.key.iter().map(|index| &self.columns[*index])
    }

    /// The tenant column.
    #[must_use]
    pub fn tenant(&self) -> Option<&ColumnSpec> {
        self.tenant.map(|index| &self.columns[index])
    }

    /// The indexes and unique keys over several columns.
    #[must_use]
    pub fn indexes(&self) -> &[IndexSpec] {
        &self.indexes
    }

    /// The associations.
    #[must_use]
    pub fn associations(&self) -> &[AssociationSpec] {
        &self.associations
    }

    /// The column with this name.
    #[must_use]
    pub fn find(&self, column: &str) -> Option<&ColumnSpec> {
        self.columns.iter().find(|spec| spec.name == column)
    }

    /// The names of all columns, in order.
    pub fn column_names(&'static self) -> &'static [&'static str] {
        self.names
            .get_or_init(|| self.columns.iter().map(|column| &*column.name).collect())
    }
}

/// The names of all columns of a table, in order; the derive calls it.
#[doc(hidden)]
#[must_use]
pub fn column_names(table: &'static Table) -> &'static [&'static str] {
    table.column_names()
}
