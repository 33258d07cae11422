//! Columns: [`Column`], the typed constant that the derive makes for each field, and [`ColumnSpec`], its description.
//!
//! Invariant: no SQL text here, except a default that the schema itself gives as SQL.

use std::{borrow::Cow, fmt, marker::PhantomData};

use crate::value::{Datum, DatumRef, Kind, Mismatch, Value};

/// A column of `S` with values of type `T`.
///
/// Its methods compare, sort, select and aggregate it; each returns an expression that only a query of `S` accepts.
pub struct Column<S, T> {
    pub(crate) name: ColumnName,
    // Of a function, so that a column is `Send` and `Sync` whatever its schema is.
    types: PhantomData<fn() -> (S, T)>,
}

/// A column's name, with the prefix of the embedded struct that its field is in.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ColumnName {
    // Two parts, since a constant can't join the prefix and the name.
    pub(crate) prefix: &'static str,
    pub(crate) name: &'static str,
}

impl ColumnName {
    /// The whole name of a column, whatever struct its field is in.
    pub(crate) fn of(name: &'static str) -> Self {
        Self { prefix: "", name }
    }

    /// Whether this is the column of the given name.
    pub(crate) fn is(self, name: &str) -> bool {
        name.strip_prefix(self.prefix) == Some(self.name)
    }
}

impl fmt::Display for ColumnName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.prefix, self.name)
    }
}

impl fmt::Debug for ColumnName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

impl<S, T> Column<S, T> {
    /// The column with this name; the derive calls it.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(prefix: &'static str, name: &'static str) -> Self {
        Self {
            name: ColumnName { prefix, name },
            types: PhantomData,
        }
    }

    /// The column's name, without its type: for lists of columns of several types.
    #[must_use]
    pub const fn name(self) -> ColumnName {
        self.name
    }
}

impl<S, T> Clone for Column<S, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, T> Copy for Column<S, T> {}

impl<S, T: Value> fmt::Debug for Column<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Column({:?}: {:?})", self.name, T::KIND)
    }
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
    /// The kind of its values.
    pub kind: Kind,
    /// Whether it may be NULL.
    pub is_nullable: bool,
    /// Whether it belongs to the primary key.
    pub is_key: bool,
    /// Where its value comes from when an insert sets none.
    pub default: DefaultValue,
    /// Whether its values are unique.
    pub is_unique: bool,
    /// Whether it has an index of its own.
    pub is_indexed: bool,
    /// Whether its value is hidden from all output.
    pub is_redacted: bool,
    /// The field's doc comment.
    pub docs: &'static str,
    pub(crate) cast: fn(DatumRef<'_>) -> Result<Datum, Mismatch>,
}

/// Where a column's value comes from when an insert sets none.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum DefaultValue {
    /// No default: an insert must set the column.
    None,
    /// Auto-increment.
    Generated,
    /// The database's own default, with its SQL.
    Sql(&'static str),
    /// A value that the program computes.
    Value(fn() -> Datum),
    /// A random UUID (version 4).
    UuidV4,
    /// A UUID that sorts by time (version 7).
    UuidV7,
    /// The time of the insert.
    CreatedAt,
    /// The time of the insert or the last update.
    UpdatedAt,
    /// The tenant of the handle that the insert runs on.
    Tenant,
}

impl fmt::Debug for DefaultValue {
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

impl ColumnSpec {
    /// A column with values of type `T`.
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
            default: DefaultValue::None,
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

    /// Auto-increment.
    #[must_use]
    pub fn generated(self) -> Self {
        self.with(DefaultValue::Generated)
    }

    /// Leaves it to the database's own default.
    #[must_use]
    pub fn default_sql(self, sql: &'static str) -> Self {
        self.with(DefaultValue::Sql(sql))
    }

    /// Gives it a default that the program computes.
    #[must_use]
    pub fn default_with(self, value: fn() -> Datum) -> Self {
        self.with(DefaultValue::Value(value))
    }

    /// Gives it a random UUID.
    #[must_use]
    pub fn uuid_v4(self) -> Self {
        self.with(DefaultValue::UuidV4)
    }

    /// Gives it a UUID that sorts by time.
    #[must_use]
    pub fn uuid_v7(self) -> Self {
        self.with(DefaultValue::UuidV7)
    }

    /// Gives it the time of the insert.
    #[must_use]
    pub fn created_at(self) -> Self {
        self.with(DefaultValue::CreatedAt)
    }

    /// Gives it the time of the insert and of each update.
    #[must_use]
    pub fn updated_at(self) -> Self {
        self.with(DefaultValue::UpdatedAt)
    }

    /// Makes it the tenant column.
    #[must_use]
    pub fn tenant(self) -> Self {
        self.with(DefaultValue::Tenant)
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

    /// Hides its value from all output.
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

    fn with(mut self, default: DefaultValue) -> Self {
        self.default = default;
        self
    }
}
