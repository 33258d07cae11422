//! [`DatabaseHook`]: what a program runs when a database is connected and disconnected.

use std::future::Future;

use crate::{database::Database, error::Result};

/// An async function or closure that takes a [`Database`]: what
/// [`on_connect`](crate::DatabaseBuilder::on_connect) and [`on_disconnect`](crate::DatabaseBuilder::on_disconnect) run.
///
/// ```
/// use estoult::{Database, Result, sql, database::DatabaseHook};
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
