//! [`Column`]: a typed column of a schema, the constant that the derive makes for each field.

use std::{fmt, marker::PhantomData};

use crate::value::Value;

/// The column of `S` that holds values of type `T`.
///
/// It is compared, ordered by, selected and aggregated with the methods listed below; each gives an expression that
/// only a query of `S` takes.
pub struct Column<S, T> {
    pub(crate) name: ColumnName,
    types: PhantomData<fn() -> (S, T)>,
}

/// A column's name: a prefix when it belongs to an embedded struct, and its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ColumnName {
    pub(crate) prefix: &'static str,
    pub(crate) name: &'static str,
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
