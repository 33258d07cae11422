//! Which database and schema a statement chose when it was made, before it is known what it runs on.

use std::{panic::Location, sync::Arc};

use crate::{
    context::Context,
    error::{Error, Result},
};

/// The choice of a statement: its own words, and those of the scope that it was made in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Route {
    /// The database by its name in the registry.
    pub(crate) database: Option<Arc<str>>,
    /// The schema that the statement itself names.
    pub(crate) schema: Option<Arc<str>>,
    /// The schema of the scope.
    pub(crate) scope: Option<Arc<str>>,
}

impl Route {
    /// The route of a statement that is made here.
    pub(crate) fn here() -> Self {
        Self {
            database: None,
            schema: None,
            scope: Context::current_schema(),
        }
    }

    /// The schema that was chosen, if any.
    pub(crate) fn chosen(&self) -> Option<&Arc<str>> {
        self.schema.as_ref().or(self.scope.as_ref())
    }
}

/// The call of a verb: where it stands in the program, and in which scope it was made.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) origin: &'static Location<'static>,
    scope: Option<Arc<str>>,
}

impl Call {
    /// The call of the function that is running.
    #[track_caller]
    pub(crate) fn here() -> Self {
        Self {
            origin: Location::caller(),
            scope: Context::current_schema(),
        }
    }

    /// The route of a statement that the call itself makes.
    pub(crate) fn route(&self) -> Route {
        Route {
            database: None,
            schema: None,
            scope: self.scope.clone(),
        }
    }

    /// Refuses a call that was made outside of the scope it runs in: it would run in another schema than it reads as if
    /// it did.
    pub(crate) fn check(&self, route: &Route) -> Result<()> {
        let Some(scope) = Context::current_schema() else {
            return Ok(());
        };
        if route.schema.is_some() || self.scope.as_ref() == Some(&scope) {
            return Ok(());
        }
        Err(Error::configuration(format!(
            "run a statement in the scope of the schema `{scope}`: it was made before the scope began, so it is not \
             part of it; make it inside, in an `async` block, or name its schema with `using_schema`"
        )))
    }
}
