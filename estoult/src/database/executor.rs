//! What a verb runs on: a database, a transaction, or a connection that the caller holds.

use std::{fmt, panic::Location};

use tokio::sync::{Mutex, MutexGuard};

use crate::{
    database::{Database, Transaction, lease::Lease, transaction::TransactionOptions},
    error::Result,
    registry::Registry,
};

/// Anything that statements can run on: `&Registry` (its default database), `&Database`, `&Transaction`, `&Pinned`.
///
/// A verb takes `impl Into<Executor>`, so that one function serves a pool and a transaction.
#[derive(Debug, Clone, Copy)]
pub struct Executor<'a>(Kind<'a>);

#[derive(Debug, Clone, Copy)]
enum Kind<'a> {
    Database(&'a Database),
    Transaction(&'a Transaction),
    Pinned(&'a Pinned),
}

impl<'a> From<&'a Database> for Executor<'a> {
    fn from(database: &'a Database) -> Self {
        Self(Kind::Database(database))
    }
}

impl<'a> From<&'a Registry> for Executor<'a> {
    fn from(registry: &'a Registry) -> Self {
        Self::from(registry.default_database())
    }
}

#[diagnostic::do_not_recommend]
impl<'a> From<&'a Transaction> for Executor<'a> {
    fn from(transaction: &'a Transaction) -> Self {
        Self(Kind::Transaction(transaction))
    }
}

#[diagnostic::do_not_recommend]
impl<'a> From<&'a Pinned> for Executor<'a> {
    fn from(pinned: &'a Pinned) -> Self {
        Self(Kind::Pinned(pinned))
    }
}

impl<'a> Executor<'a> {
    /// The connection to run on: taken for this statement, or the one of the transaction.
    pub(crate) async fn lease(self, origin: &'static Location<'static>) -> Result<Held<'a>> {
        match self.0 {
            Kind::Database(database) => database.lease(origin).await.map(Held::Own),
            Kind::Transaction(transaction) => transaction.lease().await.map(Held::Shared),
            Kind::Pinned(pinned) => Ok(Held::Shared(pinned.0.lock().await)),
        }
    }

    /// Whether several statements of one verb need a transaction of their own to be one step.
    pub(crate) fn is_in_transaction(self) -> bool {
        matches!(self.0, Kind::Transaction(_))
    }
}

/// A connection for the length of a verb.
pub(crate) enum Held<'a> {
    Own(Lease),
    Shared(MutexGuard<'a, Lease>),
}

impl std::ops::Deref for Held<'_> {
    type Target = Lease;

    fn deref(&self) -> &Lease {
        match self {
            Self::Own(lease) => lease,
            Self::Shared(lease) => lease,
        }
    }
}

impl std::ops::DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Lease {
        match self {
            Self::Own(lease) => lease,
            Self::Shared(lease) => lease,
        }
    }
}

/// A connection that the caller holds; see [`Database::pin`]. Dropping it gives the connection back as it is: whoever
/// changed the session's settings calls [`discard`](Self::discard) instead.
pub struct Pinned(Mutex<Lease>);

impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pinned").finish_non_exhaustive()
    }
}

impl Pinned {
    pub(crate) fn new(lease: Lease) -> Self {
        Self(Mutex::new(lease))
    }

    /// What the database of this connection has and lacks.
    pub async fn features(&self) -> &'static crate::backend::Features {
        self.0.lock().await.features()
    }

    /// Closes the connection instead of giving it back.
    pub fn discard(self) {
        self.0.into_inner().discard();
    }

    /// Begins a transaction on this connection. When it ends the connection is given back.
    ///
    /// # Errors
    ///
    /// `Connection` when the connection is lost; `Conflict` when a lock is not free in time.
    pub async fn begin(self) -> Result<Transaction> {
        Transaction::begin(self.0.into_inner(), &TransactionOptions::default()).await
    }
}
