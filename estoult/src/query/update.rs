//! [`UpdateAll`]: a change of all rows that a query's filters match.

use std::{fmt, marker::PhantomData, time::Duration};

use crate::{
    expr::{Node, Operand},
    query::rendered::DebugSelect,
    statement::Select,
    table::{Column, ColumnName, Model},
    value::{IntoValue, Value},
};

/// A change of all rows that a query's filters match.
pub struct UpdateAll<S> {
    pub(crate) rows: Select,
    pub(crate) changes: Vec<(ColumnName, Node)>,
    schema: PhantomData<fn() -> S>,
}

impl<S> fmt::Debug for UpdateAll<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpdateAll")
            .field("rows", &DebugSelect(&self.rows))
            .finish()
    }
}

impl<S: Model> UpdateAll<S> {
    pub(crate) fn of(rows: Select) -> Self {
        Self {
            rows,
            changes: Vec::new(),
            schema: PhantomData,
        }
    }

    /// Gives the statement this much time, whatever the database's
    /// [`statement_timeout`](crate::DatabaseBuilder::statement_timeout) is.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.rows.route.timeout = Some(limit);
        self
    }

    /// Sets a further column.
    #[must_use]
    pub fn set<T: Value>(mut self, column: Column<S, T>, value: impl IntoValue<T>) -> Self {
        let value = Node::Value(value.into_value().into_datum());
        self.changes.push((column.name, value));
        self
    }

    /// Sets a further column to the value of another column or an expression.
    #[must_use]
    pub fn set_to<T: Value>(mut self, column: Column<S, T>, value: impl Operand<S, T>) -> Self {
        self.changes.push((column.name, value.operand()));
        self
    }
}
