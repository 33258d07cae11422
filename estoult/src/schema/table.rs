//! A schema described as data: [`Table`], its columns, keys, indexes and associations.
//!
//! Invariant: no SQL text here.

use std::{borrow::Cow, fmt};

use once_cell::sync::OnceCell;

use crate::{
    expr::Node,
    schema::{Column, Embedded, Schema},
    value::{Datum, Kind, Mismatch, Value},
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
    names: OnceCell<Vec<&'static str>>,
}

/// A column as its field describes it.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one attribute of the field"
)]
pub struct ColumnSpec {
    /// The column's name.
    pub name: Cow<'static, str>,
    /// The field's name; `address.street` for a field of an embedded struct.
    pub field: Cow<'static, str>,
    /// The kind of values it holds.
    pub kind: Kind,
    /// Whether it may be NULL.
    pub is_nullable: bool,
    /// Whether it belongs to the primary key.
    pub is_key: bool,
    /// Where its value comes from when an insert gives none.
    pub default: Default,
    /// Whether no two rows have one value.
    pub is_unique: bool,
    /// Whether it has an index of its own.
    pub is_indexed: bool,
    /// Whether its value is kept out of everything that is shown.
    pub is_redacted: bool,
    /// The field's doc comment.
    pub docs: &'static str,
    pub(crate) cast: fn(crate::value::DatumRef<'_>) -> Result<Datum, Mismatch>,
}

/// Where a column's value comes from when an insert gives none.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Default {
    /// Nowhere: the insert has to give it.
    None,
    /// The database counts it up.
    Generated,
    /// The database's default, as this SQL.
    Sql(&'static str),
    /// A value of the program's.
    Value(fn() -> Datum),
    /// A random UUID (version 4).
    UuidV4,
    /// A UUID that sorts by time (version 7).
    UuidV7,
    /// The time of the insert.
    CreatedAt,
    /// The time of the insert or the last update.
    UpdatedAt,
    /// The tenant that the insert runs for.
    Tenant,
}

impl fmt::Debug for Default {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Generated => "Generated",
            Self::Sql(sql) => return write!(f, "Sql({sql})"),
            Self::Value(_) => "Value",
            Self::UuidV4 => "UuidV4",
            Self::UuidV7 => "UuidV7",
            Self::CreatedAt => "CreatedAt",
            Self::UpdatedAt => "UpdatedAt",
            Self::Tenant => "Tenant",
        })
    }
}

/// An index or unique key over several columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexSpec {
    /// Its name, when the schema gives one.
    pub name: Option<&'static str>,
    /// Its columns in order.
    pub columns: Vec<&'static str>,
    /// Whether no two rows have the same values in these columns.
    pub is_unique: bool,
}

/// How many rows an association leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cardinality {
    /// Any number of rows that hold this row's key.
    HasMany,
    /// At most one row that holds this row's key.
    HasOne,
    /// The row whose key this row holds.
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
        if matches!(column.default, Default::Tenant) {
            self.tenant = Some(self.columns.len());
        }
        self.columns.push(column);
        self
    }

    /// Adds the columns of an embedded struct.
    #[must_use]
    pub fn embed<E: Embedded>(mut self, prefix: &str, field: &str) -> Self {
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

    /// The schema of the database that it is in, when its schema names one.
    #[must_use]
    pub fn database_schema(&self) -> Option<&'static str> {
        self.schema
    }

    /// The database of the registry that it is in, when its schema names one.
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

    /// The column that says to which tenant a row belongs.
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

impl ColumnSpec {
    /// A column that holds values of type `T`.
    #[must_use]
    pub fn of<T: Value>(
        name: impl Into<Cow<'static, str>>,
        field: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            name: name.into(),
            field: field.into(),
            kind: T::KIND,
            is_nullable: T::NULLABLE,
            is_key: false,
            default: Default::None,
            is_unique: false,
            is_indexed: false,
            is_redacted: false,
            docs: "",
            cast: |input| T::cast(input).map(|value| value.to_datum()),
        }
    }

    /// Makes it part of the primary key.
    #[must_use]
    pub fn key(mut self) -> Self {
        self.is_key = true;
        self
    }

    /// Lets the database count it up.
    #[must_use]
    pub fn generated(self) -> Self {
        self.with(Default::Generated)
    }

    /// Leaves it to the database's default.
    #[must_use]
    pub fn default_sql(self, sql: &'static str) -> Self {
        self.with(Default::Sql(sql))
    }

    /// Gives it a value of the program's.
    #[must_use]
    pub fn default_with(self, value: fn() -> Datum) -> Self {
        self.with(Default::Value(value))
    }

    /// Gives it a random UUID.
    #[must_use]
    pub fn uuid_v4(self) -> Self {
        self.with(Default::UuidV4)
    }

    /// Gives it a UUID that sorts by time.
    #[must_use]
    pub fn uuid_v7(self) -> Self {
        self.with(Default::UuidV7)
    }

    /// Gives it the time of the insert.
    #[must_use]
    pub fn created_at(self) -> Self {
        self.with(Default::CreatedAt)
    }

    /// Gives it the time of the insert and of each update.
    #[must_use]
    pub fn updated_at(self) -> Self {
        self.with(Default::UpdatedAt)
    }

    /// Makes it the column that says to which tenant a row belongs.
    #[must_use]
    pub fn tenant(self) -> Self {
        self.with(Default::Tenant)
    }

    /// Makes its values unique.
    #[must_use]
    pub fn unique(mut self) -> Self {
        self.is_unique = true;
        self
    }

    /// Gives it an index.
    #[must_use]
    pub fn indexed(mut self) -> Self {
        self.is_indexed = true;
        self
    }

    /// Keeps its value out of everything that is shown.
    #[must_use]
    pub fn redacted(mut self) -> Self {
        self.is_redacted = true;
        self
    }

    /// Gives it the field's doc comment.
    #[must_use]
    pub fn docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }

    fn with(mut self, default: Default) -> Self {
        self.default = default;
        self
    }
}

/// The columns that a struct projection selects, in order; the derive fills it.
#[derive(Debug)]
pub struct Selected<S> {
    pub(crate) nodes: Vec<Node>,
    schema: std::marker::PhantomData<fn() -> S>,
}

impl<S: Schema> Selected<S> {
    pub(crate) fn new() -> Self {
        Self {
            nodes: Vec::new(),
            schema: std::marker::PhantomData,
        }
    }

    /// Adds a column whose values a field of type `T` takes.
    pub fn add<T: Value>(&mut self, column: Column<S, T>) {
        self.nodes.push(Node::column(S::table(), column.name));
    }
}
