//! Typed expressions over the columns of a schema: predicates, orders and aggregates, kept as a tree.
//!
//! Invariant: no SQL text here; a statement writes it for a dialect.

mod node;
mod operand;

use std::{fmt, marker::PhantomData, ops};

pub(crate) use self::node::{Comparison, Exists, Function, Node, Nulls, OrderNode};
pub use self::operand::Operand;
use crate::{
    schema::{Column, Schema},
    value::{Datum, Kind, Number, Text, Value},
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

    /// The opposite. As in SQL, what is unknown because of a NULL stays unknown.
    #[must_use]
    #[expect(
        clippy::should_implement_trait,
        reason = "`!` is there too; SQL's word reads better in a chain"
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

/// An order of the rows of `S`.
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
    fn new(node: Node, kind: Kind, is_descending: bool) -> Self {
        let node = OrderNode {
            node,
            kind,
            is_descending,
            nulls: Nulls::AsTheDatabaseHas,
        };
        Self {
            node,
            schema: PhantomData,
        }
    }

    /// NULL comes before every value, on every database.
    #[must_use]
    pub fn nulls_first(mut self) -> Self {
        self.node.nulls = Nulls::First;
        self
    }

    /// NULL comes after every value, on every database.
    #[must_use]
    pub fn nulls_last(mut self) -> Self {
        self.node.nulls = Nulls::Last;
        self
    }
}

/// What columns and expressions have in common, written once: `$on` is the type, `$node` makes its node.
macro_rules! operators {
    ($on:ident) => {
        impl<S: Schema, T: Value> $on<S, T> {
            /// Equal to the other; with `None` it is `IS NULL`.
            #[must_use]
            pub fn eq(self, other: impl Operand<S, T>) -> Predicate<S> {
                compare(
                    Comparison::Equal,
                    T::KIND,
                    self.into_node(),
                    other.operand(),
                )
            }

            /// Not equal to the other; with `None` it is `IS NOT NULL`. A row with NULL is not in the result.
            #[must_use]
            pub fn ne(self, other: impl Operand<S, T>) -> Predicate<S> {
                compare(
                    Comparison::NotEqual,
                    T::KIND,
                    self.into_node(),
                    other.operand(),
                )
            }

            /// Less than the other.
            #[must_use]
            pub fn lt(self, other: impl Operand<S, T>) -> Predicate<S> {
                compare(Comparison::Less, T::KIND, self.into_node(), other.operand())
            }

            /// Less than the other or equal to it.
            #[must_use]
            pub fn le(self, other: impl Operand<S, T>) -> Predicate<S> {
                compare(
                    Comparison::LessOrEqual,
                    T::KIND,
                    self.into_node(),
                    other.operand(),
                )
            }

            /// Greater than the other.
            #[must_use]
            pub fn gt(self, other: impl Operand<S, T>) -> Predicate<S> {
                compare(
                    Comparison::Greater,
                    T::KIND,
                    self.into_node(),
                    other.operand(),
                )
            }

            /// Greater than the other or equal to it.
            #[must_use]
            pub fn ge(self, other: impl Operand<S, T>) -> Predicate<S> {
                compare(
                    Comparison::GreaterOrEqual,
                    T::KIND,
                    self.into_node(),
                    other.operand(),
                )
            }

            /// NULL.
            #[must_use]
            pub fn is_null(self) -> Predicate<S> {
                Expr::new(Node::IsNull(Box::new(self.into_node())))
            }

            /// Not NULL.
            #[must_use]
            pub fn is_not_null(self) -> Predicate<S> {
                self.is_null().not()
            }

            /// One of these values; with no value it is true for no row.
            ///
            /// It is one statement for any number of whole numbers, texts, UUIDs and decimals. Of other kinds SQLite
            /// and MariaDB may take no more values than a statement has parameters: 32 766 and 65 535.
            #[must_use]
            pub fn in_list<O: Operand<S, T>>(
                self,
                values: impl IntoIterator<Item = O>,
            ) -> Predicate<S> {
                let items = values.into_iter().map(Operand::operand).collect();
                Expr::new(Node::list(self.into_node(), T::KIND, items))
            }

            /// None of these values; with no value it is true for every row.
            #[must_use]
            pub fn not_in_list<O: Operand<S, T>>(
                self,
                values: impl IntoIterator<Item = O>,
            ) -> Predicate<S> {
                self.in_list(values).not()
            }

            /// From the first to the second, both included.
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

            /// From the least to the greatest.
            #[must_use]
            pub fn asc(self) -> Order<S> {
                Order::new(self.into_node(), T::KIND, false)
            }

            /// From the greatest to the least.
            #[must_use]
            pub fn desc(self) -> Order<S> {
                Order::new(self.into_node(), T::KIND, true)
            }

            /// How many rows have a value here.
            #[must_use]
            pub fn count(self) -> Expr<S, i64> {
                Expr::new(Node::call(Function::Count, T::KIND, self.into_node()))
            }

            /// How many different values there are.
            #[must_use]
            pub fn count_distinct(self) -> Expr<S, i64> {
                Expr::new(Node::call(
                    Function::CountDistinct,
                    T::KIND,
                    self.into_node(),
                ))
            }

            /// The least value; NULL when there is none.
            #[must_use]
            pub fn min(self) -> Expr<S, Option<T::Plain>> {
                Expr::new(Node::call(Function::Min, T::KIND, self.into_node()))
            }

            /// The greatest value; NULL when there is none.
            #[must_use]
            pub fn max(self) -> Expr<S, Option<T::Plain>> {
                Expr::new(Node::call(Function::Max, T::KIND, self.into_node()))
            }

            /// The exact sum; NULL when there is no value. Integers are added up in 64 bits.
            #[must_use]
            pub fn sum<N>(self) -> Expr<S, Option<N>>
            where
                T: Number<Sum = N>,
            {
                Expr::new(Node::call(Function::Sum, T::KIND, self.into_node()))
            }

            /// The mean; NULL when there is no value.
            #[must_use]
            pub fn avg<N>(self) -> Expr<S, Option<N>>
            where
                T: Number<Average = N>,
            {
                Expr::new(Node::call(Function::Average, T::KIND, self.into_node()))
            }

            /// Matches the pattern, in which `%` stands for any text, `_` for any character and `\` takes the meaning
            /// from the next one. Upper and lower case differ, on every database.
            #[must_use]
            pub fn like(self, pattern: impl Into<String>) -> Predicate<S>
            where
                T: Text,
            {
                Expr::new(Node::like(self.into_node(), pattern.into(), false))
            }

            /// The same with upper and lower case alike; SQLite knows that for the letters of ASCII only.
            #[must_use]
            pub fn ilike(self, pattern: impl Into<String>) -> Predicate<S>
            where
                T: Text,
            {
                Expr::new(Node::like(self.into_node(), pattern.into(), true))
            }

            /// Begins with this text, in which no character has a meaning of its own.
            #[must_use]
            pub fn starts_with(self, text: &str) -> Predicate<S>
            where
                T: Text,
            {
                self.like(format!("{}%", escape_like(text)))
            }

            /// Ends with this text, in which no character has a meaning of its own.
            #[must_use]
            pub fn ends_with(self, text: &str) -> Predicate<S>
            where
                T: Text,
            {
                self.like(format!("%{}", escape_like(text)))
            }

            /// Holds this text, in which no character has a meaning of its own.
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

impl<S: Schema, T> Column<S, T> {
    pub(crate) fn into_node(self) -> Node {
        Node::column(S::table(), self.name)
    }
}

impl<S, T> Expr<S, T> {
    pub(crate) fn into_node(self) -> Node {
        self.node
    }
}

impl<S: Schema> Column<S, bool> {
    /// The column as a condition.
    #[must_use]
    pub fn is_true(self) -> Predicate<S> {
        Expr::new(self.into_node())
    }
}

/// The number of rows, as an expression to select or order by.
///
/// ```
/// use estoult::{Schema, count_rows};
///
/// #[derive(Schema)]
/// struct Book { id: i64, author_id: i64 }
///
/// let per_author = Book::query().group_by(Book::author_id).select((Book::author_id, count_rows()));
/// assert!(per_author.to_sql(estoult::Dialect::Sqlite)?.text().contains("COUNT(*)"));
/// # Ok::<(), estoult::Error>(())
/// ```
#[must_use]
pub fn count_rows<S: Schema>() -> Expr<S, i64> {
    Expr::new(Node::CountRows)
}

/// Takes the meaning from `%`, `_` and `\` in a text that becomes part of a pattern.
///
/// ```
/// assert_eq!(estoult::escape_like("100% sure"), r"100\% sure");
/// ```
#[must_use]
pub fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// A comparison; with NULL it asks whether the other side is NULL.
fn compare<S>(comparison: Comparison, kind: Kind, left: Node, right: Node) -> Predicate<S> {
    if let Node::Value(Datum::Null(_)) = right {
        match comparison {
            Comparison::Equal => return Expr::new(Node::IsNull(Box::new(left))),
            Comparison::NotEqual => {
                return Expr::new(Node::Not(Box::new(Node::IsNull(Box::new(left)))));
            }
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
