//! [`Observer`]: what a program implements to see what its databases do.

use super::event::Event;

/// Gets an event for each statement, and for what becomes of connections and transactions: metrics, traces, a log of
/// one's own.
///
/// It is called where the statement runs, once it has ended, and before the caller gets its answer: it must not block,
/// and must not run statements on what it observes, which would be reported to it again. A panic in it is caught and
/// reported as a warning, since the statement has taken effect by then. A closure that takes `&Event<'_>` is an
/// observer, too.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> estoult::Result<()> {
/// use std::sync::{Arc, atomic::{AtomicUsize, Ordering}};
///
/// use estoult::{Database, observe::{Event, Observer, Operation}, sql};
///
/// #[derive(Clone, Default)]
/// struct Statements(Arc<AtomicUsize>);
///
/// impl Observer for Statements {
///     fn observe(&self, event: &Event<'_>) {
///         if event.operation == Operation::Statement {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
///
/// let statements = Statements::default();
/// let database = Database::builder("sqlite::memory:").observer(statements.clone()).build()?;
/// let lifespan = database.connect().await?;
/// sql("select 1").one::<(i64,)>(&database).await?;
/// assert_eq!(statements.0.load(Ordering::Relaxed), 1);
/// lifespan.close().await
/// # }
/// ```
pub trait Observer: Send + Sync + 'static {
    /// Whether it takes events at present. It is asked before each operation, so that nothing is measured in vain.
    fn is_listening(&self) -> bool {
        true
    }

    /// Takes an event.
    fn observe(&self, event: &Event<'_>);
}

#[diagnostic::do_not_recommend]
impl<F: Fn(&Event<'_>) + Send + Sync + 'static> Observer for F {
    fn observe(&self, event: &Event<'_>) {
        self(event);
    }
}
