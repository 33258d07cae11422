//! What a program has run when a database is connected and disconnected.

use std::{
    any::Any,
    fmt,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};

use crate::{
    database::Database,
    error::{Error, Result},
};

/// An async function or closure that takes a [`Database`]: what
/// [`on_connect`](crate::DatabaseBuilder::on_connect) and [`on_disconnect`](crate::DatabaseBuilder::on_disconnect) run.
///
/// ```
/// use estoult::{Database, DatabaseHook, Result, sql};
///
/// async fn create_tables(database: Database) -> Result<()> {
///     sql("create table if not exists books (id integer primary key)").execute(&database).await?;
///     Ok(())
/// }
///
/// fn is_a_hook(_: impl DatabaseHook) {}
/// is_a_hook(create_tables);
/// is_a_hook(|database| async move { create_tables(database).await });
/// ```
pub trait DatabaseHook: Fn(Database) -> Self::Work + Send + Sync + 'static {
    /// What the function does.
    type Work: Future<Output = Result<()>> + Send + 'static;
}

#[diagnostic::do_not_recommend]
impl<F, W> DatabaseHook for F
where
    F: Fn(Database) -> W + Send + Sync + 'static,
    W: Future<Output = Result<()>> + Send + 'static,
{
    type Work = W;
}

type Kept = Arc<dyn Fn(Database) -> Pin<Box<dyn Future<Output = Result<()>> + Send>> + Send + Sync>;

/// The hooks of a database.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    on_connect: Vec<Kept>,
    on_disconnect: Vec<Kept>,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("on_connect", &self.on_connect.len())
            .field("on_disconnect", &self.on_disconnect.len())
            .finish()
    }
}

/// Hooks are equal when they are the same.
impl PartialEq for Hooks {
    fn eq(&self, other: &Self) -> bool {
        let are_same = |left: &[Kept], right: &[Kept]| {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| Arc::ptr_eq(left, right))
        };
        are_same(&self.on_connect, &other.on_connect)
            && are_same(&self.on_disconnect, &other.on_disconnect)
    }
}

impl Eq for Hooks {}

fn kept(hook: impl DatabaseHook) -> Kept {
    Arc::new(move |database| Box::pin(hook(database)))
}

impl Hooks {
    pub(crate) fn add_on_connect(&mut self, hook: impl DatabaseHook) {
        self.on_connect.push(kept(hook));
    }

    pub(crate) fn add_on_disconnect(&mut self, hook: impl DatabaseHook) {
        self.on_disconnect.push(kept(hook));
    }

    /// Whether anything runs on connect.
    pub(crate) fn has_greeting(&self) -> bool {
        !self.on_connect.is_empty()
    }

    /// Whether anything runs on disconnect.
    pub(crate) fn has_farewell(&self) -> bool {
        !self.on_disconnect.is_empty()
    }

    /// Runs what runs on connect, in the order in which it was given, up to the first failure.
    pub(crate) async fn greet(&self, database: &Database) -> Result<()> {
        for hook in &self.on_connect {
            run(hook, database, "on_connect").await?;
        }
        Ok(())
    }

    /// Runs what runs on disconnect, the last given first. All of it runs; the first failure is told.
    pub(crate) async fn part(&self, database: &Database) -> Result<()> {
        let mut outcome = Ok(());
        for hook in self.on_disconnect.iter().rev() {
            let ran = run(hook, database, "on_disconnect").await;
            outcome = outcome.and(ran);
        }
        outcome
    }
}

/// Runs one hook; a panic in it is an error, since whoever waits for it did not write it.
async fn run(hook: &Kept, database: &Database, name: &str) -> Result<()> {
    let mut work = pin!(async { hook(database.clone()).await });
    let ran = poll_fn(|context| {
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
