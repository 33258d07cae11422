//! [`NewConnection`]: what a program does with each connection before its first use.

use std::{fmt, future::Future, sync::Arc};

use crate::{
    connection::Connection,
    database::{Database, Pinned},
    error::{Error, Result},
    runtime::BoxFuture,
};

/// A connection that was just opened, or whose session was reset; see
/// [`DatabaseBuilder::on_new_connection`](crate::DatabaseBuilder::on_new_connection). Statements run on it as on a
/// [`Pinned`](crate::Pinned).
#[derive(Clone)]
pub struct NewConnection(Arc<Pinned>);

impl fmt::Debug for NewConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewConnection").finish_non_exhaustive()
    }
}

impl NewConnection {
    pub(crate) fn pinned(&self) -> &Pinned {
        &self.0
    }
}

/// A hook as a database runs it: it gives the connection back, and closes it when the program's own work fails.
pub(crate) fn hook<F, W>(
    work: F,
) -> impl Fn(Connection, Database) -> BoxFuture<'static, Result<Connection>> + Send + Sync + 'static
where
    F: Fn(NewConnection) -> W + Send + Sync + 'static,
    W: Future<Output = Result<()>> + Send + 'static,
{
    move |connection, database| {
        let new = NewConnection(Arc::new(Pinned::new(connection, database)));
        let work = work(new.clone());
        Box::pin(async move {
            let outcome = work.await;
            let Ok(pinned) = Arc::try_unwrap(new.0) else {
                return Err(Error::configuration(
                    "prepare a new connection: the hook has kept it; use it within the hook alone",
                ));
            };
            let mut connection = pinned.connection.into_inner();
            match outcome {
                Ok(()) => Ok(connection),
                Err(error) => {
                    connection.discard();
                    Err(error.context("prepare a new connection"))
                }
            }
        })
    }
}
