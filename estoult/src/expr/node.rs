//! [`Node`]: the untyped tree of an expression. Each node has what the writer needs to render it for any database.

use crate::{
    expr::column_ref::ColumnRef,
    table::{ColumnName, Table},
    value::{Datum, Kind},
};

/// One node of an expression.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Column(ColumnRef),
    /// A column that its table lacks. The derive rules it out; the writer refuses it.
    UnknownColumn(&'static str, ColumnName),
    /// A column of the subquery in FROM, by name.
    SubqueryColumn(&'static str),
    /// A selected expression with its alias.
    Aliased(Box<Self>, &'static str),
    Value(Datum),
    /// A value of this kind that is bound at execution, so that the text can be cached.
    Parameter(Kind),
    Compare(Comparison, Kind, Box<Self>, Box<Self>),
    IsNull(Box<Self>),
    Not(Box<Self>),
    /// AND; true for an empty list.
    All(Vec<Self>),
    /// OR; false for an empty list.
    Any(Vec<Self>),
    /// IN, with a list of values of this kind.
    List(Box<Self>, Kind, Vec<Datum>),
    Like {
        node: Box<Self>,
        pattern: String,
        ignores_case: bool,
    },
    Call(Function, Kind, Box<Self>),
    CountRows,
    /// ROW_NUMBER in this order, partitioned by the node.
    RowNumber(Box<Self>, Vec<OrderNode>),
    Exists(Box<Exists>),
}

/// Whether an associated row matches a condition.
#[derive(Debug, Clone)]
pub(crate) struct Exists {
    /// The table of the outer row.
    pub(crate) outer: &'static Table,
    /// The column of the outer row.
    pub(crate) own: Node,
    /// The table of the associated rows.
    pub(crate) table: &'static Table,
    /// The column of the associated rows that has the same value.
    pub(crate) other: Node,
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
    Default,
    First,
    Last,
}

impl Node {
    pub(crate) fn column(table: &'static Table, name: ColumnName) -> Self {
        match ColumnRef::find(table, name) {
            Some(column) => Self::Column(column),
            None => Self::UnknownColumn(table.name(), name),
        }
    }

    /// The kind of its values; `Text` for other nodes, which need no collation to compare.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Column(column) => column.spec.kind,
            Self::Call(_, kind, _) => *kind,
            _ => Kind::Text,
        }
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

    /// Whether the node is one of the values, none of which is NULL.
    pub(crate) fn among(self, values: Vec<Datum>) -> Self {
        let kind = self.kind();
        Self::List(Box::new(self), kind, values)
    }

    /// An IN list. Only plain values fit in one parameter, so NULL and expressions are compared one by one.
    pub(crate) fn list(node: Self, kind: Kind, items: Vec<Self>) -> Self {
        let mut values = Vec::with_capacity(items.len());
        let mut others = Vec::new();
        for item in items {
            match item {
                // In SQL `in (null)` matches no row; a list with `None` means the rows without a value.
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
