//! [`Credentials`]: user and password of a connection, and where newer ones come from, such as tokens that expire.

use std::{fmt, future::Future, sync::Arc};

use crate::{
    context::Context,
    error::{Error, ErrorKind, Result},
    runtime::BoxFuture,
};

/// A user and a password, from the program's own source.
#[derive(Clone)]
pub struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
    /// Where they come from: a connection that is opened later has to ask again.
    pub(crate) source: Option<CredentialsSource>,
}

impl Credentials {
    /// A user and a password, which may be a token that is valid for a while.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            password: password.into(),
            source: None,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

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
        // In an empty context, as every hook: what it gives must not depend on the caller that connects first.
        let given = Context::default().scope(async { (self.0)().await }).await;
        let credentials = given.map_err(|error| {
            let message = format!(
                "get user and password for a new connection: {}",
                error.message()
            );
            Error::new(ErrorKind::Connection, message).with_source(error)
        })?;
        Ok(Credentials {
            source: Some(self.clone()),
            ..credentials
        })
    }
}
