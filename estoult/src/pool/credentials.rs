//! [`CredentialsSource`]: where user and password of each new connection come from, such as tokens that expire.

use std::{fmt, future::Future, sync::Arc};

use crate::{
    backend::Credentials,
    error::{Error, ErrorKind, Result},
    runtime::BoxFuture,
};

/// A program's own source of users and passwords.
#[derive(Clone)]
pub(crate) struct CredentialsSource(
    Arc<dyn Fn() -> BoxFuture<'static, Result<Credentials>> + Send + Sync>,
);

impl fmt::Debug for CredentialsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialsSource")
    }
}

impl CredentialsSource {
    pub(crate) fn new<F, W>(source: F) -> Self
    where
        F: Fn() -> W + Send + Sync + 'static,
        W: Future<Output = Result<Credentials>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(source())))
    }

    /// The user and password for one connection.
    pub(crate) async fn get(&self) -> Result<Credentials> {
        (self.0)().await.map_err(|error| {
            let message = format!(
                "get user and password for a new connection: {}",
                error.message()
            );
            Error::new(ErrorKind::Connection, message).with_source(error)
        })
    }
}
