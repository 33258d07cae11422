//! [`Tenanted`]: a handle that is bound to a tenant. Its statements reach the rows of that tenant only.
//!
//! Invariant: a handle never changes its tenant, and neither `Debug` nor an error shows it.

use std::{fmt, future::Future, marker::PhantomData};

use crate::{
    database::{
        Database, Pinned, ReadOnlyDatabase, ReadOnlyPinned, ReadOnlyTransaction, Transaction,
    },
    error::Result,
    registry::Registry,
    table::{Tenant, Untenanted},
    value::{Datum, Value},
    verbs::executor::{Executor, Reads, Writes},
};

/// A handle that is bound to a tenant: `E` is what statements run on, `K` the type of the tenant's key.
///
/// Tables with a tenant column, whose schemas have a field with `#[field(tenant)]`, are only read and written through
/// it: each statement is limited to the rows of the tenant, and an insert sets the column. Tables without such a column
/// are used through it as through the handle itself.
///
/// ```
/// use estoult::{Database, Schema, batch, new};
///
/// #[derive(Debug, Clone, Schema)]
/// struct Note {
///     id: i64,
///     #[field(tenant)]
///     customer_id: i64,
///     text: String,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> estoult::Result<()> {
/// let database = Database::builder("sqlite::memory:").build()?;
/// let lifespan = database.connect().await?;
/// batch(&database, "create table notes (id integer primary key, customer_id integer not null, text text not null)")
///     .await?;
/// let (seven, eight) = (database.for_tenant(7), database.for_tenant(8));
/// let note = new!(Note { text: "call back".to_owned() }).insert(&seven).await?;
/// assert_eq!(note.customer_id, 7);
/// assert_eq!(Note::query().count(&eight).await?, 0);
/// assert!(Note::get(&eight, note.id).await?.is_none());
/// lifespan.close().await
/// # }
/// ```
pub struct Tenanted<E, K> {
    on: E,
    tenant: Datum,
    key: PhantomData<fn() -> K>,
}

impl<E: Clone, K> Clone for Tenanted<E, K> {
    fn clone(&self) -> Self {
        Self::new(self.on.clone(), self.tenant.clone())
    }
}

// The key of a tenant may be personal data, so it is left out.
impl<E: fmt::Debug, K> fmt::Debug for Tenanted<E, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenanted")
            .field("on", &self.on)
            .finish_non_exhaustive()
    }
}

#[diagnostic::do_not_recommend]
impl<E: Reads, K> Reads for Tenanted<E, K> {
    fn executor(&self) -> Executor<'_, Untenanted> {
        self.on.executor().bound(&self.tenant)
    }
}

#[diagnostic::do_not_recommend]
impl<E: Reads, K> Reads<Tenant<K>> for Tenanted<E, K> {
    fn executor(&self) -> Executor<'_, Tenant<K>> {
        self.on.executor().bound(&self.tenant)
    }
}

#[diagnostic::do_not_recommend]
impl<E: Writes, K> Writes for Tenanted<E, K> {}

#[diagnostic::do_not_recommend]
impl<E: Writes, K> Writes<Tenant<K>> for Tenanted<E, K> {}

impl<E, K> Tenanted<E, K> {
    fn new(on: E, tenant: Datum) -> Self {
        Self {
            on,
            tenant,
            key: PhantomData,
        }
    }

    fn with<O>(&self, on: O) -> Tenanted<O, K> {
        Tenanted::new(on, self.tenant.clone())
    }

    /// The handle without the tenant.
    pub fn unbound(&self) -> &E {
        &self.on
    }
}

macro_rules! transactions {
    ($($on:ty)+) => {$(
        impl<K> Tenanted<$on, K> {
            /// Runs work in a transaction, on a handle that is bound to the same tenant: committed when it returns
            /// `Ok`, rolled back on error, panic and drop.
            ///
            /// # Errors
            ///
            /// As for [`Database::transaction`](crate::Database::transaction).
            #[track_caller]
            pub fn transaction<T>(
                &self,
                work: impl AsyncFnOnce(&Tenanted<&Transaction, K>) -> Result<T>,
            ) -> impl Future<Output = Result<T>> {
                self.on.transaction(async |tx| work(&self.with(tx)).await)
            }
        }
    )+};
}

transactions! { Database Registry &Transaction }

macro_rules! handles {
    ($($handle:ty)+) => {$(
        impl $handle {
            /// A handle on the same database that is bound to a tenant; see [`Tenanted`].
            #[must_use]
            pub fn for_tenant<K: Value>(&self, tenant: K) -> Tenanted<Self, K> {
                Tenanted::new(self.clone(), tenant.to_datum())
            }
        }
    )+};
}

handles! { Database Registry ReadOnlyDatabase }

macro_rules! sessions {
    ($($session:ty)+) => {$(
        impl $session {
            /// The same handle, bound to a tenant; see [`Tenanted`].
            #[must_use]
            pub fn for_tenant<K: Value>(&self, tenant: K) -> Tenanted<&Self, K> {
                Tenanted::new(self, tenant.to_datum())
            }
        }
    )+};
}

sessions! { Transaction Pinned ReadOnlyTransaction ReadOnlyPinned }
