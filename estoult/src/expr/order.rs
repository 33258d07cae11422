//! [`Order`]: one term of ORDER BY.

use std::{fmt, marker::PhantomData};

use crate::{
    expr::node::{Node, Nulls, OrderNode},
    value::Kind,
};

/// One term of the order of rows of `S`.
#[derive(Clone)]
pub struct Order<S> {
    pub(crate) node: OrderNode,
    schema: PhantomData<fn() -> S>,
}

impl<S> fmt::Debug for Order<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.node)
    }
}

impl<S> Order<S> {
    pub(crate) fn new(node: Node, kind: Kind, is_descending: bool) -> Self {
        let node = OrderNode {
            node,
            kind,
            is_descending,
            nulls: Nulls::Default,
        };
        Self {
            node,
            schema: PhantomData,
        }
    }

    /// Sorts NULL before every value, on every database.
    #[must_use]
    pub fn nulls_first(mut self) -> Self {
        self.node.nulls = Nulls::First;
        self
    }

    /// Sorts NULL after every value, on every database.
    #[must_use]
    pub fn nulls_last(mut self) -> Self {
        self.node.nulls = Nulls::Last;
        self
    }
}
