//! [`Loader`]: how the rows of a query are read, each by itself or together with associated rows.
//!
//! Invariant: a loader asks for rows through [`Fetch`] and knows no connection.

use std::{fmt, sync::Arc};

use crate::{
    error::Result,
    row::{Decode, Sink},
    runtime::BoxFuture,
    statement::Select,
};

/// How the rows of a query are read.
pub(crate) enum Loader<R> {
    /// Each row by itself.
    Rows(Decode<R>),
    /// The rows of another loader with their associated rows.
    // A trait object, so that the type of a query does not name its preloads; shared, so that a query can be cloned.
    Preload(Arc<dyn Load<R>>),
}

impl<R> Clone for Loader<R> {
    fn clone(&self) -> Self {
        match self {
            Self::Rows(decode) => Self::Rows(*decode),
            Self::Preload(load) => Self::Preload(Arc::clone(load)),
        }
    }
}

impl<R> fmt::Debug for Loader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rows(_) => "Rows",
            Self::Preload(_) => "Preload",
        })
    }
}

/// Runs a query and the selects of its preloads.
pub(crate) trait Load<R>: Send + Sync {
    /// The rows with their associated rows.
    fn load<'a>(
        &'a self,
        on: &'a mut dyn Fetch,
        select: &'a Select,
    ) -> BoxFuture<'a, Result<Vec<R>>>;
}

/// A connection as loaders see it.
pub(crate) trait Fetch: Send {
    /// Runs a select in the database that its table is in; its rows go to the sink.
    fn fetch<'a>(
        &'a mut self,
        select: &'a Select,
        sink: Box<dyn Sink>,
    ) -> BoxFuture<'a, Result<Box<dyn Sink>>>;
}
