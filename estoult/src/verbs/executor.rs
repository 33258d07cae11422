//! [`Executor`]: what verbs run on, a registry, a database, a transaction or a pinned connection.

use std::{fmt, marker::PhantomData, sync::Arc};

use crate::{
    database::{
        Database, NewConnection, Pinned, ReadOnlyDatabase, ReadOnlyPinned, ReadOnlyTransaction,
        Siblings, Transaction,
    },
    registry::Registry,
    table::Untenanted,
    value::Datum,
};

/// What reading verbs run on: [`Registry`] (the database that each schema or query names, else the default one),
/// [`Database`], [`Transaction`] and [`Pinned`], and each of them bound to a tenant.
///
/// A function that takes `&impl Reads` serves a database and a transaction, and promises not to write; one that writes
/// takes `&impl Writes`. A schema with a tenant column has verbs that take `&impl Reads<Tenant<K>>`.
///
/// ```
/// use estoult::{Reads, Result, Schema};
///
/// #[derive(Schema)]
/// struct Book { id: i64, price: i64 }
///
/// async fn cheap(on: &impl Reads) -> Result<u64> {
///     Book::query().filter(Book::price.lt(10)).count(on).await
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't run statements of this schema",
    label = "no database handle, or not bound to the tenant of the table",
    note = "pass a `&Registry`, `&Database`, `&Transaction` or `&Pinned`; \
            for a table with a tenant, `&database.for_tenant(key)`"
)]
pub trait Reads<T = Untenanted>: Sync {
    /// The executor that verbs run on.
    fn executor(&self) -> Executor<'_, T>;
}

/// What writing verbs run on: everything that implements [`Reads`], unless it is read-only.
///
/// ```
/// use estoult::{Result, Schema, Writes};
///
/// #[derive(Schema)]
/// struct Book { id: i64, price: i64 }
///
/// async fn give_away(on: &impl Writes) -> Result<u64> {
///     Book::query().set(Book::price, 0).update_all(on).await
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't run statements that write",
    label = "read-only, no database handle, or not bound to the tenant of the table",
    note = "pass a `&Registry`, `&Database`, `&Transaction` or `&Pinned`; \
            for a table with a tenant, `&database.for_tenant(key)`"
)]
pub trait Writes<T = Untenanted>: Reads<T> {}

/// What a verb runs on: a database, a transaction or a connection, and the tenant.
pub struct Executor<'a, T = Untenanted> {
    pub(super) handle: Handle<'a>,
    pub(super) tenant: Option<&'a Datum>,
    bound: PhantomData<fn() -> T>,
}

/// The handle that statements run on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Handle<'a> {
    Registry(&'a Registry),
    Database(&'a Database),
    Transaction(&'a Transaction),
    Pinned(&'a Pinned),
}

impl<T> Clone for Executor<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Executor<'_, T> {}

impl<T> fmt::Debug for Executor<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Executor").field(&self.handle).finish()
    }
}

#[diagnostic::do_not_recommend]
impl Reads for Database {
    fn executor(&self) -> Executor<'_> {
        Executor::new(Handle::Database(self))
    }
}

#[diagnostic::do_not_recommend]
impl Reads for Registry {
    fn executor(&self) -> Executor<'_> {
        Executor::new(Handle::Registry(self))
    }
}

#[diagnostic::do_not_recommend]
impl Reads for Transaction {
    fn executor(&self) -> Executor<'_> {
        Executor::new(Handle::Transaction(self))
    }
}

#[diagnostic::do_not_recommend]
impl Reads for Pinned {
    fn executor(&self) -> Executor<'_> {
        Executor::new(Handle::Pinned(self))
    }
}

#[diagnostic::do_not_recommend]
impl<T, E: Reads<T> + ?Sized> Reads<T> for &E {
    fn executor(&self) -> Executor<'_, T> {
        (**self).executor()
    }
}

#[diagnostic::do_not_recommend]
impl Writes for Database {}

#[diagnostic::do_not_recommend]
impl Writes for Registry {}

#[diagnostic::do_not_recommend]
impl Writes for Transaction {}

#[diagnostic::do_not_recommend]
impl Writes for Pinned {}

#[diagnostic::do_not_recommend]
impl Reads for NewConnection {
    fn executor(&self) -> Executor<'_> {
        self.pinned().executor()
    }
}

#[diagnostic::do_not_recommend]
impl Writes for NewConnection {}

#[diagnostic::do_not_recommend]
impl<T, E: Writes<T> + ?Sized> Writes<T> for &E {}

#[diagnostic::do_not_recommend]
impl Reads for ReadOnlyDatabase {
    fn executor(&self) -> Executor<'_> {
        self.0.executor()
    }
}

#[diagnostic::do_not_recommend]
impl Reads for ReadOnlyTransaction {
    fn executor(&self) -> Executor<'_> {
        self.0.executor()
    }
}

#[diagnostic::do_not_recommend]
impl Reads for ReadOnlyPinned {
    fn executor(&self) -> Executor<'_> {
        self.0.executor()
    }
}

impl<'a, T> Executor<'a, T> {
    fn new(handle: Handle<'a>) -> Self {
        Self {
            handle,
            tenant: None,
            bound: PhantomData,
        }
    }

    /// The same for a tenant; `B` is the tenant's type.
    pub(super) fn bound<B>(self, tenant: &'a Datum) -> Executor<'a, B> {
        Executor {
            tenant: Some(tenant),
            ..Executor::new(self.handle)
        }
    }

    /// The same without the tenant's type.
    pub(crate) fn erased(self) -> Executor<'a> {
        // The compiler has checked the tenant by now; the stages are compiled once and not once per tenant type.
        Executor {
            tenant: self.tenant,
            ..Executor::new(self.handle)
        }
    }
}

impl<'a> Handle<'a> {
    /// The schema that was chosen for the handle.
    pub(super) fn schema(self) -> Option<&'a Arc<str>> {
        match self {
            Self::Registry(registry) => registry.chosen_schema(),
            Self::Database(database) => database.chosen_schema(),
            Self::Transaction(transaction) => transaction.database().chosen_schema(),
            Self::Pinned(pinned) => pinned.database.chosen_schema(),
        }
    }

    /// The databases of the registry that the handle belongs to; `None` for a database that is in none.
    pub(super) fn siblings(self) -> Option<Arc<dyn Siblings>> {
        match self {
            Self::Registry(registry) => Some(registry.siblings()),
            Self::Database(database) => database.siblings(),
            Self::Transaction(transaction) => transaction.database().siblings(),
            Self::Pinned(pinned) => pinned.database.siblings(),
        }
    }
}
