//! What becomes of a query's rows: decoded as they are, or joined with associated rows that further statements load.

use std::{fmt, marker::PhantomData, pin::Pin, sync::Arc};

use crate::{
    database::{Held, preload::LoadChildren},
    error::Result,
    query::Select,
    row::Decode,
    schema::{Association, Schema},
};

/// A future behind a pointer, for recursion over associations.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How the rows of a query are read.
pub(crate) enum Plan<R> {
    /// Each row by itself.
    Rows(Decode<R>),
    /// The rows of another plan, joined with what an association leads to.
    Preload(Arc<dyn Load<R>>),
}

impl<R> Clone for Plan<R> {
    fn clone(&self) -> Self {
        match self {
            Self::Rows(decode) => Self::Rows(*decode),
            Self::Preload(load) => Self::Preload(Arc::clone(load)),
        }
    }
}

/// Runs a query and what follows from it on one connection.
pub(crate) trait Load<R>: Send + Sync {
    /// The rows, complete.
    fn load<'a>(
        &'a self,
        held: &'a mut Held<'_>,
        select: &'a Select,
    ) -> BoxFuture<'a, Result<Vec<R>>>;
}

impl<R: Send + 'static> Plan<R> {
    /// Joins the rows with associated ones.
    pub(crate) fn preload<P, A>(self, association: A) -> Plan<R::With>
    where
        P: Schema,
        A: Association<P>,
        R: Loaded<A::Loaded, Schema = P>,
    {
        let preload = association.into_preload();
        Plan::Preload(Arc::new(Joined {
            rows: self,
            preload,
            loaded: PhantomData,
        }))
    }
}

struct Joined<R, A, L> {
    rows: Plan<R>,
    preload: A,
    loaded: PhantomData<fn() -> L>,
}

impl<R, A, L> Load<R::With> for Joined<R, A, L>
where
    R: Loaded<L> + Send + 'static,
    L: Send + 'static,
    A: LoadChildren<R::Schema, L>,
{
    fn load<'a>(
        &'a self,
        held: &'a mut Held<'_>,
        select: &'a Select,
    ) -> BoxFuture<'a, Result<Vec<R::With>>> {
        Box::pin(async move {
            let rows = self.rows.run(held, select).await?;
            let keys = {
                let parents: Vec<_> = rows.iter().map(Rooted::root).collect();
                self.preload.keys(&parents)
            };
            let children = self.preload.load_children(held, keys).await?;
            Ok(rows
                .into_iter()
                .zip(children)
                .map(|(row, children)| row.with(children))
                .collect())
        })
    }
}

/// A row that begins with a schema: the schema itself, or a tuple of it and its associated rows.
#[diagnostic::on_unimplemented(
    message = "rows of type `{Self}` can't take associated rows",
    label = "preload before `select` and `rows`"
)]
pub trait Rooted: Send + Sync + 'static {
    /// The schema whose associations are loaded.
    type Schema: Schema;

    /// The schema's row.
    fn root(&self) -> &Self::Schema;
}

/// A row that further associated rows can be added to: the first preload makes a pair, each further one appends to the
/// tuple.
#[diagnostic::on_unimplemented(
    message = "rows of type `{Self}` can't take associated rows",
    label = "preload before `select` and `rows`, and at most eight associations"
)]
pub trait Loaded<L>: Rooted {
    /// The row with the associated rows.
    type With: Send + 'static;

    /// Adds what an association led to.
    fn with(self, loaded: L) -> Self::With;
}

#[diagnostic::do_not_recommend]
impl<S: Schema> Rooted for S {
    type Schema = S;

    fn root(&self) -> &S {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<S: Schema, L: Send + 'static> Loaded<L> for S {
    type With = (S, L);

    fn with(self, loaded: L) -> (S, L) {
        (self, loaded)
    }
}

macro_rules! tuples {
    ($(($($part:ident)+))+) => {$(
        #[diagnostic::do_not_recommend]
        impl<S: Schema, $($part: Send + Sync + 'static),+> Rooted for (S, $($part,)+) {
            type Schema = S;

            fn root(&self) -> &S {
                &self.0
            }
        }

        #[diagnostic::do_not_recommend]
        impl<S, $($part,)+ L> Loaded<L> for (S, $($part,)+)
        where
            S: Schema,
            $($part: Send + Sync + 'static,)+
            L: Send + 'static,
        {
            type With = (S, $($part,)+ L);

            fn with(self, loaded: L) -> Self::With {
                #[expect(non_snake_case, reason = "the variables are named like their types")]
                let (schema, $($part,)+) = self;
                (schema, $($part,)+ loaded)
            }
        }
    )+};
}

tuples! {
    (A)
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E F)
    (A B C D E F G)
}

impl<R> fmt::Debug for Plan<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rows(_) => "Rows",
            Self::Preload(_) => "Preload",
        })
    }
}
