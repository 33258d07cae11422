//! What a query reads instead of whole rows: a column, an expression, a tuple of them, or the columns of a struct.

use std::marker::PhantomData;

use crate::{
    error::Result,
    expr::{Expr, Node},
    row::{FromRow, Row},
    table::{Column, Model},
    value::Value,
};

/// What a query of `S` can read instead of whole rows: a column, an expression, or a tuple of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be selected from `{S}`",
    label = "not a column or expression of `{S}`, nor a tuple of them"
)]
pub trait Selection<S> {
    /// What each row becomes.
    type Output: Send + 'static;

    /// Adds its expressions to those that are read.
    #[doc(hidden)]
    #[expect(private_interfaces, reason = "the tree is not part of the interface")]
    fn select(self, columns: &mut Vec<Node>);

    /// Reads itself from a row.
    ///
    /// # Errors
    ///
    /// `Decode` when a column does not fit.
    fn decode(row: &mut Row<'_>) -> Result<Self::Output>;
}

#[expect(private_interfaces, reason = "the tree is not part of the interface")]
impl<S: Model, T: Value> Selection<S> for Column<S, T> {
    type Output = T;

    fn select(self, columns: &mut Vec<Node>) {
        columns.push(self.into_node());
    }

    fn decode(row: &mut Row<'_>) -> Result<T> {
        row.read()
    }
}

#[expect(private_interfaces, reason = "the tree is not part of the interface")]
impl<S: Model, T: Value> Selection<S> for Expr<S, T> {
    type Output = T;

    fn select(self, columns: &mut Vec<Node>) {
        columns.push(self.into_node());
    }

    fn decode(row: &mut Row<'_>) -> Result<T> {
        row.read()
    }
}

macro_rules! tuples {
    ($(($($part:ident)+))+) => {$(
        #[expect(private_interfaces, reason = "the tree is not part of the interface")]
        impl<S, $($part: Selection<S>),+> Selection<S> for ($($part,)+) {
            type Output = ($($part::Output,)+);

            fn select(self, columns: &mut Vec<Node>) {
                #[expect(non_snake_case, reason = "the variables are named like their types")]
                let ($($part,)+) = self;
                $($part.select(columns);)+
            }

            fn decode(row: &mut Row<'_>) -> Result<Self::Output> {
                Ok(($($part::decode(row)?,)+))
            }
        }
    )+};
}

tuples! {
    (A)
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E F)
    (A B C D E F G)
    (A B C D E F G H)
    (A B C D E F G H I)
    (A B C D E F G H I J)
    (A B C D E F G H I J K)
    (A B C D E F G H I J K L)
}

/// A struct that reads some columns of `S`: it derives `FromRow` with `#[row(schema = S)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a selection of `{S}`",
    label = "derive `FromRow` for it with `#[row(schema = {S})]`"
)]
pub trait RowOf<S: Model>: FromRow {
    /// Adds its columns in order.
    fn select(columns: &mut Selected<S>);
}

/// The columns that a struct projection selects, in order; the derive fills it.
#[derive(Debug)]
pub struct Selected<S> {
    pub(crate) nodes: Vec<Node>,
    schema: PhantomData<fn() -> S>,
}

impl<S: Model> Selected<S> {
    pub(crate) fn new() -> Self {
        Self {
            nodes: Vec::new(),
            schema: PhantomData,
        }
    }

    /// Adds a column for a field of type `T`, which must be the column's type.
    pub fn add<T: Value>(&mut self, column: Column<S, T>) {
        self.nodes.push(column.into_node());
    }
}
