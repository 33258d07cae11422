//! Preloads (eager loading): associated rows that further statements load, with filter, order, limit and preloads of
//! their own.
//!
//! Invariant: a preload is a description here; `verbs/preload.rs` runs it.

use std::{fmt, marker::PhantomData, sync::Arc};

use crate::{
    expr::{Node, Order, Predicate},
    query::{
        Query,
        association::{BelongsTo, HasMany, HasOne, Keys},
        extend::{Extend, HasRoot},
        loader::Loader,
    },
    table::{Model, SameTenant},
};

/// What a query of `P` can preload: an association, or one with filter, order, limit and preloads of its own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an association of `{P}`",
    label = "can't be preloaded here"
)]
pub trait Association<P: Model>: Sized {
    /// The associated schema.
    type Child: Model;
    /// The type of each associated row.
    // `Clone`, since several parents may share a row.
    type Row: HasRoot<Schema = Self::Child> + Clone;
    /// How many rows each parent gets: many, or at most one.
    type Children: Children<Self::Row, Loaded = Self::Loaded>;
    /// The value that a row of `P` gets.
    type Loaded: Send + Sync + 'static;

    /// The association with its clauses.
    fn into_preload(self) -> Preload<P, Self::Child, Self::Row, Self::Children>;
}

// Three times instead of by a macro: a compile error then points at the impl and not at the macro.
#[diagnostic::do_not_recommend]
impl<P: Model, C: Model + Clone> Association<P> for HasMany<P, C> {
    type Child = C;
    type Row = C;
    type Children = Many;
    type Loaded = <Many as Children<C>>::Loaded;

    fn into_preload(self) -> Preload<P, C, C, Many> {
        self.preload_rows()
    }
}

#[diagnostic::do_not_recommend]
impl<P: Model, C: Model + Clone> Association<P> for HasOne<P, C> {
    type Child = C;
    type Row = C;
    type Children = One;
    type Loaded = <One as Children<C>>::Loaded;

    fn into_preload(self) -> Preload<P, C, C, One> {
        self.preload_rows()
    }
}

#[diagnostic::do_not_recommend]
impl<P: Model, C: Model + Clone> Association<P> for BelongsTo<P, C> {
    type Child = C;
    type Row = C;
    type Children = One;
    type Loaded = <One as Children<C>>::Loaded;

    fn into_preload(self) -> Preload<P, C, C, One> {
        self.preload_rows()
    }
}

/// How many associated rows a parent gets, and as what.
pub trait Children<R>: Send + 'static {
    /// The value that one parent gets.
    type Loaded: Send + Sync + 'static;

    /// Builds it from the rows of the parent, in order.
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
    pub(crate) keys: Keys,
    pub(crate) query: Query<C, R>,
    pub(crate) limit: Option<u64>,
    types: PhantomData<fn() -> (P, N)>,
}

impl<P, C: Model, R, N> fmt::Debug for Preload<P, C, R, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Preload({}.{})", C::table_spec().name(), self.keys.other)
    }
}

impl<P: Model, C: Model, R: Send + 'static, N> Preload<P, C, R, N> {
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

    /// Loads at most this many associated rows for each row.
    #[must_use]
    pub fn limit(mut self, rows: u64) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Loads the associated rows of each associated row.
    #[must_use]
    pub fn preload<A>(self, association: A) -> Preload<P, C, R::With, N>
    where
        A: Association<C>,
        R: Extend<A::Loaded, Schema = C>,
        <A::Child as Model>::Tenant: SameTenant<C::Tenant>,
    {
        Preload {
            keys: self.keys,
            query: self.query.preload(association),
            limit: self.limit,
            types: PhantomData,
        }
    }
}

#[diagnostic::do_not_recommend]
impl<P, C, R, N> Association<P> for Preload<P, C, R, N>
where
    P: Model,
    C: Model,
    R: HasRoot<Schema = C> + Clone,
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

macro_rules! preloads {
    ($($name:ident $children:ident)+) => {$(
        impl<P: Model, C: Model> $name<P, C> {
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

            /// Loads at most this many associated rows for each row.
            #[must_use]
            pub fn limit(self, rows: u64) -> Preload<P, C, C, $children> {
                self.preload_rows().limit(rows)
            }

            /// Loads the associated rows of each associated row.
            #[must_use]
            pub fn preload<A>(self, association: A) -> Preload<P, C, (C, A::Loaded), $children>
            where
                A: Association<C>,
                <A::Child as Model>::Tenant: SameTenant<C::Tenant>,
            {
                self.preload_rows().preload(association)
            }

            fn preload_rows(self) -> Preload<P, C, C, $children> {
                Preload { keys: self.keys, query: Query::new(), limit: None, types: PhantomData }
            }

            /// A query for the associated rows of one row.
            #[must_use]
            pub fn of(self, row: &P) -> Query<C> {
                Query::new().filter(of(self.keys, row))
            }
        }
    )+};
}

preloads! {
    HasMany Many
    HasOne One
    BelongsTo One
}

/// The predicate of [`HasMany::of`] and the like.
fn of<P: Model, C: Model>(keys: Keys, row: &P) -> Predicate<C> {
    // The writer refuses a statement with this node: the row has no such column, which is a fault of its `Model`.
    let Some(value) = row.datum(&keys.own.to_string()) else {
        return Predicate::new(Node::UnknownColumn(P::table_spec().name(), keys.own));
    };
    // A NULL refers to no row, and an empty list matches none.
    let values = [value].into_iter().filter(|value| !value.is_null());
    let column = Node::column(C::table_spec(), keys.other);
    Predicate::new(column.among(values.collect()))
}

impl<S: Model, R: Send + 'static> Query<S, R> {
    /// Loads associated rows with one further statement; each row of the result becomes a tuple with them.
    #[must_use]
    pub fn preload<A>(self, association: A) -> Query<S, R::With>
    where
        A: Association<S>,
        R: Extend<A::Loaded, Schema = S>,
        <A::Child as Model>::Tenant: SameTenant<S::Tenant>,
    {
        let preload = association.into_preload();
        Query {
            select: self.select,
            loader: Loader::Preload(Arc::new(PreloadLoader::new(self.loader, preload))),
            schema: PhantomData,
        }
    }
}

/// A loader that adds associated rows to the rows of another one.
pub(crate) struct PreloadLoader<R, A, L> {
    pub(crate) rows: Loader<R>,
    pub(crate) preload: A,
    loaded: PhantomData<fn() -> L>,
}

impl<R, A, L> PreloadLoader<R, A, L> {
    fn new(rows: Loader<R>, preload: A) -> Self {
        Self {
            rows,
            preload,
            loaded: PhantomData,
        }
    }
}
