//! The methods that columns and expressions share: comparisons, lists, patterns, order, aggregates; and [`Operand`],
//! the other side of a comparison.

use crate::{
    expr::{
        Expr, Predicate,
        function::escape_like,
        node::{Comparison, Function, Node},
        order::Order,
    },
    table::{Column, Model},
    value::{Datum, Kind, Number, Text, Value},
};

/// The other side of a comparison with a column or expression of type `T` in a query of `S`.
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
impl<S: Model, T> Operand<S, T> for Column<S, T> {
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

// A macro and no trait, so that programs need no import to call these methods.
macro_rules! operators {
    ($on:ident) => {
        impl<S: Model, T: Value> $on<S, T> {
            /// Equal; `IS NULL` for `None`.
            #[must_use]
            pub fn eq(self, other: impl Operand<S, T>) -> Predicate<S> {
                compare(
                    Comparison::Equal,
                    T::KIND,
                    self.into_node(),
                    other.operand(),
                )
            }

            /// Not equal; `IS NOT NULL` for `None`. As in SQL, a row with NULL does not match.
            #[must_use]
            pub fn ne(self, other: impl Operand<S, T>) -> Predicate<S> {
                compare(
                    Comparison::NotEqual,
                    T::KIND,
                    self.into_node(),
                    other.operand(),
                )
            }

            /// Less than.
            #[must_use]
            pub fn lt(self, other: impl Operand<S, T>) -> Predicate<S> {
                compare(Comparison::Less, T::KIND, self.into_node(), other.operand())
            }

            /// Less than or equal to.
            #[must_use]
            pub fn le(self, other: impl Operand<S, T>) -> Predicate<S> {
                compare(
                    Comparison::LessOrEqual,
                    T::KIND,
                    self.into_node(),
                    other.operand(),
                )
            }

            /// Greater than.
            #[must_use]
            pub fn gt(self, other: impl Operand<S, T>) -> Predicate<S> {
                compare(
                    Comparison::Greater,
                    T::KIND,
                    self.into_node(),
                    other.operand(),
                )
            }

            /// Greater than or equal to.
            #[must_use]
            pub fn ge(self, other: impl Operand<S, T>) -> Predicate<S> {
                compare(
                    Comparison::GreaterOrEqual,
                    T::KIND,
                    self.into_node(),
                    other.operand(),
                )
            }

            /// `IS NULL`.
            #[must_use]
            pub fn is_null(self) -> Predicate<S> {
                Expr::new(Node::IsNull(Box::new(self.into_node())))
            }

            /// `IS NOT NULL`.
            #[must_use]
            pub fn is_not_null(self) -> Predicate<S> {
                self.is_null().not()
            }

            /// One of these values; an empty list matches no row.
            ///
            /// A list of integers, texts, UUIDs or decimals can have any length. For other kinds SQLite and MariaDB
            /// limit it to the parameters of one statement, 32 766 and 65 535.
            #[must_use]
            pub fn in_list<O: Operand<S, T>>(
                self,
                values: impl IntoIterator<Item = O>,
            ) -> Predicate<S> {
                let items = values.into_iter().map(Operand::operand).collect();
                Expr::new(Node::list(self.into_node(), T::KIND, items))
            }

            /// None of these values; an empty list matches every row.
            #[must_use]
            pub fn not_in_list<O: Operand<S, T>>(
                self,
                values: impl IntoIterator<Item = O>,
            ) -> Predicate<S> {
                self.in_list(values).not()
            }

            /// Between the two, both included.
            #[must_use]
            pub fn between(
                self,
                low: impl Operand<S, T>,
                high: impl Operand<S, T>,
            ) -> Predicate<S> {
                let node = self.into_node();
                let low = compare::<S>(
                    Comparison::GreaterOrEqual,
                    T::KIND,
                    node.clone(),
                    low.operand(),
                );
                low.and(compare(
                    Comparison::LessOrEqual,
                    T::KIND,
                    node,
                    high.operand(),
                ))
            }

            /// Ascending.
            #[must_use]
            pub fn asc(self) -> Order<S> {
                Order::new(self.into_node(), T::KIND, false)
            }

            /// Descending.
            #[must_use]
            pub fn desc(self) -> Order<S> {
                Order::new(self.into_node(), T::KIND, true)
            }

            /// The number of rows in which it is not NULL.
            #[must_use]
            pub fn count(self) -> Expr<S, i64> {
                Expr::new(Node::call(Function::Count, T::KIND, self.into_node()))
            }

            /// The number of distinct values.
            #[must_use]
            pub fn count_distinct(self) -> Expr<S, i64> {
                Expr::new(Node::call(
                    Function::CountDistinct,
                    T::KIND,
                    self.into_node(),
                ))
            }

            /// The smallest value; NULL without any.
            #[must_use]
            pub fn min(self) -> Expr<S, Option<T::Plain>> {
                Expr::new(Node::call(Function::Min, T::KIND, self.into_node()))
            }

            /// The greatest value; NULL without any.
            #[must_use]
            pub fn max(self) -> Expr<S, Option<T::Plain>> {
                Expr::new(Node::call(Function::Max, T::KIND, self.into_node()))
            }

            /// The exact sum; NULL without any value. Integers are summed in 64 bits.
            #[must_use]
            pub fn sum<N>(self) -> Expr<S, Option<N>>
            where
                T: Number<Sum = N>,
            {
                Expr::new(Node::call(Function::Sum, T::KIND, self.into_node()))
            }

            /// The average; NULL without any value.
            #[must_use]
            pub fn avg<N>(self) -> Expr<S, Option<N>>
            where
                T: Number<Average = N>,
            {
                Expr::new(Node::call(Function::Average, T::KIND, self.into_node()))
            }

            /// Matches the pattern: `%` matches any text, `_` any character, and `\` escapes the next character. The
            /// match is case-sensitive on every database.
            #[must_use]
            pub fn like(self, pattern: impl Into<String>) -> Predicate<S>
            where
                T: Text,
            {
                Expr::new(Node::like(self.into_node(), pattern.into(), false))
            }

            /// As [`like`](Self::like), but case-insensitive; SQLite ignores the case of ASCII letters only.
            #[must_use]
            pub fn ilike(self, pattern: impl Into<String>) -> Predicate<S>
            where
                T: Text,
            {
                Expr::new(Node::like(self.into_node(), pattern.into(), true))
            }

            /// Starts with this text; wildcards in it are escaped.
            #[must_use]
            pub fn starts_with(self, text: &str) -> Predicate<S>
            where
                T: Text,
            {
                self.like(format!("{}%", escape_like(text)))
            }

            /// Ends with this text; wildcards in it are escaped.
            #[must_use]
            pub fn ends_with(self, text: &str) -> Predicate<S>
            where
                T: Text,
            {
                self.like(format!("%{}", escape_like(text)))
            }

            /// Contains this text; wildcards in it are escaped.
            #[must_use]
            pub fn contains(self, text: &str) -> Predicate<S>
            where
                T: Text,
            {
                self.like(format!("%{}%", escape_like(text)))
            }
        }
    };
}

operators!(Column);
operators!(Expr);

impl<S: Model, T> Column<S, T> {
    pub(crate) fn into_node(self) -> Node {
        Node::column(S::table_spec(), self.name)
    }
}

impl<S: Model> Column<S, bool> {
    /// The column as a condition.
    #[must_use]
    pub fn is_true(self) -> Predicate<S> {
        Expr::new(self.into_node())
    }
}

/// A comparison; equality with NULL becomes `IS NULL`.
fn compare<S>(comparison: Comparison, kind: Kind, left: Node, right: Node) -> Predicate<S> {
    if let Node::Value(Datum::Null(_)) = right {
        match comparison {
            // In SQL `= null` is never true, so a caller that compares with `None` would get no row.
            Comparison::Equal => return Expr::new(Node::IsNull(Box::new(left))),
            Comparison::NotEqual => {
                return Expr::new(Node::Not(Box::new(Node::IsNull(Box::new(left)))));
            }
            // No order with NULL is true in SQL: the comparison matches no row.
            Comparison::Less
            | Comparison::LessOrEqual
            | Comparison::Greater
            | Comparison::GreaterOrEqual => {}
        }
    }
    Expr::new(Node::Compare(
        comparison,
        kind,
        Box::new(left),
        Box::new(right),
    ))
}
