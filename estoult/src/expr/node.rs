//! The tree behind expressions. Each node knows as much as a dialect needs to write it.

use crate::{
    schema::{ColumnName, Table},
    value::{Datum, Kind},
};

/// One node of an expression.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Column(&'static Table, ColumnName),
    Value(Datum),
    Compare(Comparison, Kind, Box<Self>, Box<Self>),
    IsNull(Box<Self>),
    Not(Box<Self>),
    /// True when all are, and when there is none.
    All(Vec<Self>),
    /// True when one is; false when there is none.
    Any(Vec<Self>),
    /// Whether the node is among the values.
    List(Box<Self>, Kind, Vec<Datum>),
    Like {
        node: Box<Self>,
        pattern: String,
        ignores_case: bool,
    },
    Call(Function, Kind, Box<Self>),
    CountRows,
    Exists(Box<Exists>),
}

/// Whether there is an associated row that a condition accepts.
#[derive(Debug, Clone)]
pub(crate) struct Exists {
    /// The column of the row at hand.
    pub(crate) own: (&'static Table, ColumnName),
    /// The column of the associated rows that holds the same value.
    pub(crate) other: (&'static Table, ColumnName),
    pub(crate) condition: Node,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Count,
    CountDistinct,
    Sum,
    Average,
    Min,
    Max,
}

/// One term of an order.
#[derive(Debug, Clone)]
pub(crate) struct OrderNode {
    pub(crate) node: Node,
    pub(crate) kind: Kind,
    pub(crate) is_descending: bool,
    pub(crate) nulls: Nulls,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    AsTheDatabaseHas,
    First,
    Last,
}

impl Node {
    pub(crate) fn column(table: &'static Table, name: ColumnName) -> Self {
        Self::Column(table, name)
    }

    pub(crate) fn call(function: Function, kind: Kind, argument: Self) -> Self {
        Self::Call(function, kind, Box::new(argument))
    }

    pub(crate) fn like(node: Self, pattern: String, ignores_case: bool) -> Self {
        Self::Like {
            node: Box::new(node),
            pattern,
            ignores_case,
        }
    }

    /// Membership in a list. NULL and whatever is no plain value are compared one by one.
    pub(crate) fn list(node: Self, kind: Kind, items: Vec<Self>) -> Self {
        let mut values = Vec::with_capacity(items.len());
        let mut others = Vec::new();
        for item in items {
            match item {
                Self::Value(Datum::Null(_)) => others.push(Self::IsNull(Box::new(node.clone()))),
                Self::Value(value) => values.push(value),
                item => others.push(Self::Compare(
                    Comparison::Equal,
                    kind,
                    Box::new(node.clone()),
                    Box::new(item),
                )),
            }
        }
        let list = Self::List(Box::new(node), kind, values);
        if others.is_empty() {
            return list;
        }
        others.insert(0, list);
        Self::Any(others)
    }
}
