//! [`Hooks`]: the `on_connect` and `on_disconnect` hooks of a database, and running them.

use std::{
    any::Any,
    fmt,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use crate::{
    connection::Connection,
    context::Context,
    error::{Error, Result},
    runtime::BoxFuture,
};

/// A hook behind a pointer; `D` is the database.
type Hook<D> = Arc<dyn Fn(D) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// The hooks of a database `D`. It owns them, so they take it as a parameter: imports have no cycle.
#[derive(Clone)]
pub(crate) struct Hooks<D> {
    on_connect: Vec<Hook<D>>,
    on_disconnect: Vec<Hook<D>>,
}

/// A hook that prepares a connection of the database and gives it back.
type ConnectionHook<D> =
    Arc<dyn Fn(Connection, D) -> BoxFuture<'static, Result<Connection>> + Send + Sync>;

/// The hooks for new connections of a database `D`, in the order in which they were added.
#[derive(Clone)]
pub(crate) struct ConnectionHooks<D>(Vec<ConnectionHook<D>>);

impl<D> Default for ConnectionHooks<D> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<D: Clone> ConnectionHooks<D> {
    pub(crate) fn add(
        &mut self,
        hook: impl Fn(Connection, D) -> BoxFuture<'static, Result<Connection>> + Send + Sync + 'static,
    ) {
        self.0.push(Arc::new(hook));
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Runs them on a connection, and gives it back.
    pub(crate) async fn run(&self, mut connection: Connection, database: &D) -> Result<Connection> {
        for hook in &self.0 {
            // In an empty context: a connection is the same for all callers, not just for the first.
            let prepare = async { hook(connection, database.clone()).await };
            connection = Context::default().scope(prepare).await?;
            if connection.is_in_transaction() {
                // The caller's writes would belong to it, and be rolled back on release.
                connection.discard();
                return Err(Error::configuration(
                    "prepare a new connection: the hook has left an open transaction on it; commit it in the hook",
                ));
            }
        }
        connection.note_prepared();
        Ok(connection)
    }
}

impl<D> Default for Hooks<D> {
    fn default() -> Self {
        Self {
            on_connect: Vec::new(),
            on_disconnect: Vec::new(),
        }
    }
}

impl<D> fmt::Debug for Hooks<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("on_connect", &self.on_connect.len())
            .field("on_disconnect", &self.on_disconnect.len())
            .finish()
    }
}

impl<D: Clone> Hooks<D> {
    pub(crate) fn add_on_connect<F, W>(&mut self, hook: F)
    where
        F: Fn(D) -> W + Send + Sync + 'static,
        W: Future<Output = Result<()>> + Send + 'static,
    {
        self.on_connect
            .push(Arc::new(move |database| Box::pin(hook(database))));
    }

    pub(crate) fn add_on_disconnect<F, W>(&mut self, hook: F)
    where
        F: Fn(D) -> W + Send + Sync + 'static,
        W: Future<Output = Result<()>> + Send + 'static,
    {
        self.on_disconnect
            .push(Arc::new(move |database| Box::pin(hook(database))));
    }

    /// Whether there are `on_connect` hooks.
    pub(crate) fn has_on_connect(&self) -> bool {
        !self.on_connect.is_empty()
    }

    /// Whether there are `on_disconnect` hooks.
    pub(crate) fn has_on_disconnect(&self) -> bool {
        !self.on_disconnect.is_empty()
    }

    /// Runs the `on_connect` hooks in the order in which they were added, up to the first failure.
    pub(crate) async fn run_on_connect(&self, database: &D) -> Result<()> {
        for hook in &self.on_connect {
            run(hook, database, "on_connect").await?;
        }
        Ok(())
    }

    /// Runs all `on_disconnect` hooks, the last one first, and gives the first failure.
    pub(crate) async fn run_on_disconnect(&self, database: &D) -> Result<()> {
        let mut outcome = Ok(());
        for hook in self.on_disconnect.iter().rev() {
            let ran = run(hook, database, "on_disconnect").await;
            outcome = outcome.and(ran);
        }
        outcome
    }
}

/// Runs one hook. A panic in it becomes an error: it must not unwind through the callers that wait for the attempt.
async fn run<D: Clone>(hook: &Hook<D>, database: &D, name: &str) -> Result<()> {
    // Called within the future, so that a panic of the function itself is caught as well. The context is empty: what a
    // hook does must not depend on the caller that happens to connect first.
    let mut work = pin!(Context::default().scope(async { hook(database.clone()).await }));
    let ran = poll_fn(|context| {
        // Unwind safe: after a panic the future is not polled again.
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        match polled {
            Ok(polled) => polled,
            Err(panic) => Poll::Ready(Err(Error::custom(format!(
                "it panicked: {}",
                text(&*panic)
            )))),
        }
    });
    ran.await
        .map_err(|error| error.context(&format!("run its `{name}` hook")))
}

/// The message of a panic.
fn text(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "without a message",
    }
}
