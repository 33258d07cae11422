//! [`Loader`]: how the rows of a query are read, each by itself or together with associated rows.
//!
//! Invariant: a loader says which selects it needs and takes their rows; it knows no connection.

use std::{any::Any, collections::VecDeque, fmt, sync::Arc};

use crate::{
    error::Result,
    row::{Decode, Sink},
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

/// A query with preloads, ready to be loaded.
pub(crate) trait Load<R>: Send + Sync {
    /// Begins with this select for the rows themselves.
    fn begin<'l>(&'l self, select: Select) -> Box<dyn Loading<R> + 'l>;
}

/// Rows that are being loaded, one level of associations after the other: all selects of a level are known once the
/// rows of the level above are there, so that they can be sent together.
pub(crate) trait Loading<R>: Send {
    /// The selects of the next level; none when all rows are there.
    fn requests(&mut self) -> Result<Vec<Request>>;

    /// Takes the answers to its last requests, in their order.
    fn accept(&mut self, answers: &mut VecDeque<Box<dyn Sink>>) -> Result<()>;

    /// The rows of the root schema, a `Vec` of it, as soon as they are there.
    fn roots(&self) -> Option<&dyn Any>;

    /// The rows with their associated rows.
    fn finish(self: Box<Self>) -> Result<Vec<R>>;
}

/// A select, and the sink that its rows go to.
pub(crate) struct Request {
    pub(crate) select: Select,
    pub(crate) sink: Box<dyn Sink>,
}
