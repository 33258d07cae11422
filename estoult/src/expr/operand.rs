//! What a column can be compared with: a value of its type, or another expression of the same schema.

use crate::{
    expr::{Expr, Node},
    schema::{Column, Schema},
    value::{Datum, Value},
};

/// What can stand opposite a column or expression of type `T` in a query of `S`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be compared with a `{T}` column of `{S}`",
    label = "expected a `{T}`, or a column of `{S}` of that type"
)]
pub trait Operand<S, T> {
    /// Its node in the expression.
    #[doc(hidden)]
    #[expect(private_interfaces, reason = "the tree is not part of the interface")]
    fn operand(self) -> Node;
}

#[diagnostic::do_not_recommend]
#[expect(private_interfaces, reason = "the tree is not part of the interface")]
impl<S: Schema, T> Operand<S, T> for Column<S, T> {
    fn operand(self) -> Node {
        self.into_node()
    }
}

#[diagnostic::do_not_recommend]
#[expect(private_interfaces, reason = "the tree is not part of the interface")]
impl<S, T> Operand<S, T> for Expr<S, T> {
    fn operand(self) -> Node {
        self.into_node()
    }
}

#[diagnostic::do_not_recommend]
#[expect(private_interfaces, reason = "the tree is not part of the interface")]
impl<S, T: Value> Operand<S, T> for T {
    fn operand(self) -> Node {
        Node::Value(self.to_datum())
    }
}

#[diagnostic::do_not_recommend]
#[expect(private_interfaces, reason = "the tree is not part of the interface")]
impl<S, T: Value> Operand<S, Option<T>> for T {
    fn operand(self) -> Node {
        Node::Value(self.to_datum())
    }
}

#[diagnostic::do_not_recommend]
#[expect(private_interfaces, reason = "the tree is not part of the interface")]
impl<S> Operand<S, String> for &str {
    fn operand(self) -> Node {
        Node::Value(Datum::Text(self.to_owned()))
    }
}

#[diagnostic::do_not_recommend]
#[expect(private_interfaces, reason = "the tree is not part of the interface")]
impl<S> Operand<S, Option<String>> for &str {
    fn operand(self) -> Node {
        Node::Value(Datum::Text(self.to_owned()))
    }
}
