//! Associations between schemas, and their preloads: `Author::books` is a constant that a query preloads, filtered,
//! ordered, limited and nested as needed.

use std::{fmt, marker::PhantomData};

use crate::{
    expr::{Exists, Node, Order, Predicate},
    query::{Loaded, Query, Rooted},
    schema::{Cardinality, Column, ColumnName, Schema, Within},
    value::{Kind, Value},
};

/// A column that holds the key `K` of another row: of the same type, or optional.
#[diagnostic::on_unimplemented(
    message = "a column of type `{Self}` can't hold a key of type `{K}`",
    label = "the two columns of an association have the same type; the foreign key may be optional"
)]
pub trait References<K>: Value {}

impl<K: Value> References<K> for K {}
impl<K: Value> References<K> for Option<K> {}

/// The two columns that an association compares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns {
    pub(crate) own: ColumnName,
    pub(crate) other: ColumnName,
}

macro_rules! associations {
    ($($(#[$docs:meta])* $name:ident $cardinality:ident $children:ident)+) => {$(
        $(#[$docs])*
        pub struct $name<P, C> {
            columns: Columns,
            schemas: PhantomData<fn() -> (P, C)>,
        }

        impl<P, C> Clone for $name<P, C> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<P, C> Copy for $name<P, C> {}

        impl<P: Schema, C: Schema> fmt::Debug for $name<P, C> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let (own, other) = (P::table().name(), C::table().name());
                write!(f, "{own}.{} -> {other}.{}", self.columns.own, self.columns.other)
            }
        }

        impl<P: Schema, C: Schema> $name<P, C> {
            /// Loads only the associated rows that the predicate accepts.
            #[must_use]
            pub fn filter(self, predicate: Predicate<C>) -> Preload<P, C, C, $children> {
                self.preload_rows().filter(predicate)
            }

            /// Loads the associated rows in this order.
            #[must_use]
            pub fn order_by(self, order: Order<C>) -> Preload<P, C, C, $children> {
                self.preload_rows().order_by(order)
            }

            /// Loads at most so many associated rows for each row.
            #[must_use]
            pub fn limit(self, rows: u64) -> Preload<P, C, C, $children> {
                self.preload_rows().limit(rows)
            }

            /// Loads with each associated row its own associated rows.
            #[must_use]
            pub fn preload<A>(self, association: A) -> Preload<P, C, (C, A::Loaded), $children>
            where
                A: Association<C>,
                <A::Child as Schema>::Tenant: Within<C::Tenant>,
            {
                self.preload_rows().preload(association)
            }

            /// The associated rows of a row that is read already, as a query.
            #[must_use]
            pub fn of(self, row: &P) -> Query<C> {
                let column = self.columns.own.to_string();
                let value = row.datum(&column).filter(|value| !value.is_null());
                let other = Node::column(C::table(), self.columns.other);
                let kind = C::table()
                    .find(&self.columns.other.to_string())
                    .map_or(Kind::Int64, |column| column.kind);
                let values = value.into_iter().collect();
                Query::new().filter(Predicate::new(Node::List(Box::new(other), kind, values)))
            }

            fn preload_rows(self) -> Preload<P, C, C, $children> {
                Preload { columns: self.columns, query: Query::new(), limit: None, types: PhantomData }
            }

            /// How many rows it leads to.
            #[must_use]
            pub fn cardinality(self) -> Cardinality {
                Cardinality::$cardinality
            }
        }
    )+};
}

associations! {
    /// The association of `P` with any number of rows of `C` that hold its key.
    HasMany HasMany Many
    /// The association of `P` with at most one row of `C` that holds its key.
    HasOne HasOne One
    /// The association of `P` with the row of `C` whose key it holds.
    BelongsTo BelongsTo One
}

/// Whether there is an associated row that the condition accepts.
fn any<P: Schema, C: Schema>(columns: Columns, condition: Node) -> Predicate<P> {
    Predicate::new(Node::Exists(Box::new(Exists {
        own: (P::table(), columns.own),
        other: (C::table(), columns.other),
        condition,
    })))
}

impl<P, C> HasMany<P, C> {
    /// The association over these columns; the derive calls it.
    #[must_use]
    pub const fn on<K, F: References<K>>(own: Column<P, K>, other: Column<C, F>) -> Self {
        Self {
            columns: Columns {
                own: own.name(),
                other: other.name(),
            },
            schemas: PhantomData,
        }
    }
}

impl<P, C> HasOne<P, C> {
    /// The association over these columns; the derive calls it.
    #[must_use]
    pub const fn on<K, F: References<K>>(own: Column<P, K>, other: Column<C, F>) -> Self {
        Self {
            columns: Columns {
                own: own.name(),
                other: other.name(),
            },
            schemas: PhantomData,
        }
    }
}

impl<P, C> BelongsTo<P, C> {
    /// The association over these columns; the derive calls it.
    #[must_use]
    pub const fn on<K, F: References<K>>(own: Column<P, F>, other: Column<C, K>) -> Self {
        Self {
            columns: Columns {
                own: own.name(),
                other: other.name(),
            },
            schemas: PhantomData,
        }
    }
}

// Not by a macro: a compile error shows the one that was meant.
impl<P: Schema, C: Schema> HasMany<P, C> {
    /// Whether there is an associated row that the predicate accepts.
    ///
    /// Both tables have to be in one database; where the schemas name different ones it is refused.
    #[must_use]
    pub fn any(self, predicate: Predicate<C>) -> Predicate<P>
    where
        C::Tenant: Within<P::Tenant>,
    {
        any::<P, C>(self.columns, predicate.node)
    }

    /// Whether there is an associated row.
    #[must_use]
    pub fn exists(self) -> Predicate<P>
    where
        C::Tenant: Within<P::Tenant>,
    {
        any::<P, C>(self.columns, Node::All(Vec::new()))
    }
}

impl<P: Schema, C: Schema> HasOne<P, C> {
    /// Whether there is an associated row that the predicate accepts.
    ///
    /// Both tables have to be in one database; where the schemas name different ones it is refused.
    #[must_use]
    pub fn any(self, predicate: Predicate<C>) -> Predicate<P>
    where
        C::Tenant: Within<P::Tenant>,
    {
        any::<P, C>(self.columns, predicate.node)
    }

    /// Whether there is an associated row.
    #[must_use]
    pub fn exists(self) -> Predicate<P>
    where
        C::Tenant: Within<P::Tenant>,
    {
        any::<P, C>(self.columns, Node::All(Vec::new()))
    }
}

impl<P: Schema, C: Schema> BelongsTo<P, C> {
    /// Whether there is an associated row that the predicate accepts.
    ///
    /// Both tables have to be in one database; where the schemas name different ones it is refused.
    #[must_use]
    pub fn any(self, predicate: Predicate<C>) -> Predicate<P>
    where
        C::Tenant: Within<P::Tenant>,
    {
        any::<P, C>(self.columns, predicate.node)
    }

    /// Whether there is an associated row.
    #[must_use]
    pub fn exists(self) -> Predicate<P>
    where
        C::Tenant: Within<P::Tenant>,
    {
        any::<P, C>(self.columns, Node::All(Vec::new()))
    }
}

/// What a query of `P` can preload: an association, or one with filter, order, limit and preloads of its own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an association of `{P}`",
    label = "can't be preloaded here"
)]
pub trait Association<P: Schema>: Sized {
    /// The associated schema.
    type Child: Schema;
    /// What becomes of each associated row.
    type Row: Rooted<Schema = Self::Child> + Clone;
    /// How the rows are handed out: all, or at most one.
    type Children: Children<Self::Row, Loaded = Self::Loaded>;
    /// What a row of `P` gets.
    type Loaded: Send + Sync + 'static;

    /// The association with its clauses.
    fn into_preload(self) -> Preload<P, Self::Child, Self::Row, Self::Children>;
}

// Not by a macro: a compile error shows the one that was meant.
#[diagnostic::do_not_recommend]
impl<P: Schema, C: Schema + Clone> Association<P> for HasMany<P, C> {
    type Child = C;
    type Row = C;
    type Children = Many;
    type Loaded = <Many as Children<C>>::Loaded;

    fn into_preload(self) -> Preload<P, C, C, Many> {
        self.preload_rows()
    }
}

#[diagnostic::do_not_recommend]
impl<P: Schema, C: Schema + Clone> Association<P> for HasOne<P, C> {
    type Child = C;
    type Row = C;
    type Children = One;
    type Loaded = <One as Children<C>>::Loaded;

    fn into_preload(self) -> Preload<P, C, C, One> {
        self.preload_rows()
    }
}

#[diagnostic::do_not_recommend]
impl<P: Schema, C: Schema + Clone> Association<P> for BelongsTo<P, C> {
    type Child = C;
    type Row = C;
    type Children = One;
    type Loaded = <One as Children<C>>::Loaded;

    fn into_preload(self) -> Preload<P, C, C, One> {
        self.preload_rows()
    }
}

/// How associated rows are handed out.
pub trait Children<R>: Send + 'static {
    /// What one row gets.
    type Loaded: Send + Sync + 'static;

    /// From the rows found for it, in order.
    fn from_rows(rows: Vec<R>) -> Self::Loaded;
}

/// Any number of associated rows, as a `Vec`.
#[derive(Debug)]
pub enum Many {}

/// At most one associated row, as an `Option`.
#[derive(Debug)]
pub enum One {}

impl<R: Send + Sync + 'static> Children<R> for Many {
    type Loaded = Vec<R>;

    fn from_rows(rows: Vec<R>) -> Vec<R> {
        rows
    }
}

impl<R: Send + Sync + 'static> Children<R> for One {
    type Loaded = Option<R>;

    fn from_rows(rows: Vec<R>) -> Option<R> {
        rows.into_iter().next()
    }
}

/// An association to be preloaded, with its clauses.
pub struct Preload<P, C, R, N> {
    pub(crate) columns: Columns,
    pub(crate) query: Query<C, R>,
    pub(crate) limit: Option<u64>,
    types: PhantomData<fn() -> (P, N)>,
}

impl<P, C: Schema, R, N> fmt::Debug for Preload<P, C, R, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Preload({}.{})", C::table().name(), self.columns.other)
    }
}

impl<P: Schema, C: Schema, R: Send + 'static, N> Preload<P, C, R, N> {
    /// Loads only the associated rows that the predicate accepts.
    #[must_use]
    pub fn filter(mut self, predicate: Predicate<C>) -> Self {
        self.query = self.query.filter(predicate);
        self
    }

    /// Loads the associated rows in this order.
    #[must_use]
    pub fn order_by(mut self, order: Order<C>) -> Self {
        self.query = self.query.order_by(order);
        self
    }

    /// Loads at most so many associated rows for each row.
    #[must_use]
    pub fn limit(mut self, rows: u64) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Loads with each associated row its own associated rows.
    #[must_use]
    pub fn preload<A>(self, association: A) -> Preload<P, C, R::With, N>
    where
        A: Association<C>,
        R: Loaded<A::Loaded, Schema = C>,
        <A::Child as Schema>::Tenant: Within<C::Tenant>,
    {
        Preload {
            columns: self.columns,
            query: self.query.preload(association),
            limit: self.limit,
            types: PhantomData,
        }
    }
}

#[diagnostic::do_not_recommend]
impl<P, C, R, N> Association<P> for Preload<P, C, R, N>
where
    P: Schema,
    C: Schema,
    R: Rooted<Schema = C> + Clone,
    N: Children<R>,
{
    type Child = C;
    type Row = R;
    type Children = N;
    type Loaded = N::Loaded;

    fn into_preload(self) -> Self {
        self
    }
}
