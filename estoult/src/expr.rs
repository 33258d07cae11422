//! Typed expressions over the columns of a schema: predicates, orders and aggregates. Inside each is an untyped tree.
//!
//! Invariant: no SQL text here; `writer` renders the tree for a database.

mod column_ref;
mod function;
mod node;
mod operator;
mod order;

use std::{fmt, marker::PhantomData, ops};

pub(crate) use self::{
    column_ref::ColumnRef,
    node::{Comparison, Exists, Function, Node, Nulls, OrderNode},
};
pub use self::{
    function::{count_rows, escape_like},
    operator::Operand,
    order::Order,
};

/// A typed expression over the columns of `S`.
pub struct Expr<S, T> {
    pub(crate) node: Node,
    types: PhantomData<fn() -> (S, T)>,
}

/// A condition on the rows of `S`.
///
/// Conditions are joined with [`and`](Expr::and), [`or`](Expr::or) and [`not`](Expr::not), or with `&`, `|` and `!`.
pub type Predicate<S> = Expr<S, bool>;

impl<S, T> Expr<S, T> {
    pub(crate) fn new(node: Node) -> Self {
        Self {
            node,
            types: PhantomData,
        }
    }
}

// Not derived: the derive would require `S` and `T` to be `Clone`.
impl<S, T> Clone for Expr<S, T> {
    fn clone(&self) -> Self {
        Self::new(self.node.clone())
    }
}

impl<S, T> fmt::Debug for Expr<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.node)
    }
}

impl<S> Predicate<S> {
    /// Both conditions.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::new(Node::All(vec![self.node, other.node]))
    }

    /// At least one of the two conditions.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::new(Node::Any(vec![self.node, other.node]))
    }

    /// The negation. As in SQL, the negation of NULL is NULL, which matches no row.
    #[must_use]
    #[expect(
        clippy::should_implement_trait,
        reason = "`!` works too; `not` reads better in a chain"
    )]
    pub fn not(self) -> Self {
        Self::new(Node::Not(Box::new(self.node)))
    }

    /// All of these conditions; true when there is none.
    #[must_use]
    pub fn all(predicates: impl IntoIterator<Item = Self>) -> Self {
        Self::new(Node::All(
            predicates
                .into_iter()
                .map(|predicate| predicate.node)
                .collect(),
        ))
    }

    /// At least one of these conditions; false when there is none.
    #[must_use]
    pub fn any(predicates: impl IntoIterator<Item = Self>) -> Self {
        Self::new(Node::Any(
            predicates
                .into_iter()
                .map(|predicate| predicate.node)
                .collect(),
        ))
    }
}

impl<S> ops::BitAnd for Predicate<S> {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        self.and(other)
    }
}

impl<S> ops::BitOr for Predicate<S> {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.or(other)
    }
}

impl<S> ops::Not for Predicate<S> {
    type Output = Self;

    fn not(self) -> Self {
        Self::not(self)
    }
}

impl<S, T> Expr<S, T> {
    pub(crate) fn into_node(self) -> Node {
        self.node
    }
}
