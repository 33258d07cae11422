//! [`Route`]: the database and schema that a statement chooses when it is made, before its handle is known.

use std::{sync::Arc, time::Duration};

use crate::context::Context;

/// The database and schema that a statement names itself, and the schema of the scope in which it is made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Route {
    /// The database by its name in the registry.
    pub(crate) database: Option<Arc<str>>,
    /// The schema that the statement itself names.
    pub(crate) schema: Option<Arc<str>>,
    /// The schema of the scope.
    pub(crate) scope: Option<Arc<str>>,
    /// How long each of its statements may take, if not as long as the database says.
    pub(crate) timeout: Option<Duration>,
}

impl Route {
    /// The route of a statement that is made here.
    pub(crate) fn here() -> Self {
        Self::of_scope(Context::current_schema())
    }

    /// The route of a statement that a verb makes itself, when it is called in the scope of this schema.
    pub(crate) fn of_scope(scope: Option<Arc<str>>) -> Self {
        Self {
            database: None,
            schema: None,
            scope,
            timeout: None,
        }
    }

    /// The schema that was chosen, if any.
    pub(crate) fn chosen(&self) -> Option<&Arc<str>> {
        self.schema.as_ref().or(self.scope.as_ref())
    }
}
