//! A step of a migration in Rust: what applies it, what undoes it and which errors are ignored.

use std::{any, fmt, future::Future, panic::Location, pin::Pin, sync::Arc};

use apocryphan_migration::Ignore;
use estoult::Transaction;

/// The future of a function that takes a transaction.
type StepFuture<'t> = Pin<Box<dyn Future<Output = estoult::Result<()>> + Send + 't>>;

/// One step: what applies it and, if it can be undone, what undoes it.
#[derive(Debug, Clone)]
pub struct Step {
    pub(super) migrate: Action,
    pub(super) rollback: Option<Action>,
    pub(super) ignore_errors: Option<Ignore>,
    pub(super) name: Option<String>,
}

/// A step that is applied by SQL statements or by a function.
///
/// ```
/// use apocryphan::rider::{Ignore, Step, step};
/// use estoult::Transaction;
///
/// pub fn steps() -> Vec<Step> {
///     vec![
///         step("create table contacts (id int not null)")
///             .rollback("drop table contacts")
///             .ignore_errors(Ignore::All),
///         step(fill),
///     ]
/// }
///
/// async fn fill(tx: &Transaction) -> estoult::Result<()> {
///     estoult::sql("insert into contacts (id) values (1)").execute(tx).await?;
///     Ok(())
/// }
/// ```
#[track_caller]
pub fn step<K>(migrate: impl IntoAction<K>) -> Step {
    Step {
        migrate: migrate.into_action(),
        rollback: None,
        ignore_errors: None,
        name: None,
    }
}

impl Step {
    /// Sets what undoes the step.
    #[must_use]
    #[track_caller]
    pub fn rollback<K>(mut self, rollback: impl IntoAction<K>) -> Self {
        self.rollback = Some(rollback.into_action());
        self
    }

    /// Sets in which direction errors of the database are ignored.
    #[must_use]
    pub fn ignore_errors(mut self, stage: Ignore) -> Self {
        self.ignore_errors = Some(stage);
        self
    }

    /// Sets what messages call the step.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

/// What a step does: statements, or a call of a function.
#[derive(Debug, Clone)]
pub struct Action {
    pub(super) kind: ActionKind,
    /// Where the program calls `step` or `rollback`, for messages.
    pub(super) location: &'static Location<'static>,
}

#[derive(Debug, Clone)]
pub(super) enum ActionKind {
    Sql(String),
    Call(Call),
}

/// A function of a migration and its name.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) name: &'static str,
    function: Arc<dyn for<'t> StepFunction<'t>>,
}

impl Call {
    pub(super) async fn run(&self, tx: &Transaction) -> estoult::Result<()> {
        self.function.call(tx).await
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What a step can run: SQL text, or an `async fn(&Transaction) -> estoult::Result<()>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no step of a migration",
    label = "expected SQL text or an `async fn(&Transaction) -> estoult::Result<()>`"
)]
pub trait IntoAction<K> {
    /// Converts it to the action that a step holds.
    #[track_caller]
    fn into_action(self) -> Action;
}

/// Marks actions that are SQL text.
#[derive(Debug)]
pub enum Text {}

/// Marks actions that are functions.
#[derive(Debug)]
pub enum Function {}

impl IntoAction<Text> for &str {
    fn into_action(self) -> Action {
        self.to_owned().into_action()
    }
}

impl IntoAction<Text> for String {
    fn into_action(self) -> Action {
        Action {
            kind: ActionKind::Sql(self),
            location: Location::caller(),
        }
    }
}

impl<F> IntoAction<Function> for F
where
    F: for<'t> StepFunction<'t> + 'static,
{
    fn into_action(self) -> Action {
        Action {
            kind: ActionKind::Call(Call {
                // The path of the function, such as `migrations::m_1602721300_fill::fill`, which is the best name there
                // is.
                name: any::type_name::<F>(),
                function: Arc::new(self),
            }),
            location: Location::caller(),
        }
    }
}

/// A function that takes a transaction; implemented for every
/// `async fn(&Transaction) -> estoult::Result<()>`.
pub trait StepFunction<'t>: Send + Sync {
    /// Calls the function.
    fn call(&self, tx: &'t Transaction) -> StepFuture<'t>;
}

impl<'t, F, W> StepFunction<'t> for F
where
    F: Fn(&'t Transaction) -> W + Send + Sync,
    W: Future<Output = estoult::Result<()>> + Send + 't,
{
    fn call(&self, tx: &'t Transaction) -> StepFuture<'t> {
        Box::pin(self(tx))
    }
}
