//! [`CallSite`]: where in the program a verb was called, and in which scope.

use std::{future::Future, panic::Location, sync::Arc};

use crate::{
    context::Context,
    error::{Error, Result},
    statement::Route,
};

/// Where a verb was called, and in which scope.
#[derive(Debug, Clone)]
pub(crate) struct CallSite {
    pub(crate) origin: &'static Location<'static>,
    scope: Option<Arc<str>>,
}

impl CallSite {
    /// The call site of the current verb.
    #[track_caller]
    pub(crate) fn here() -> Self {
        // Verbs call this before they return their future, which may be polled in another scope.
        Self {
            origin: Location::caller(),
            scope: Context::current_schema(),
        }
    }

    /// The route of a statement that the verb itself makes.
    pub(crate) fn route(&self) -> Route {
        Route::of_scope(self.scope.clone())
    }

    /// Refuses a verb that was called outside of the scope in which it is awaited: it would run in another schema than
    /// its place in the code suggests.
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

    /// Runs the stages of the verb, and adds the call site to their error.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        work.await.map_err(|error| error.at(self.origin))
    }
}
