//! What a verb runs on: a registry, a database, a transaction, or a connection that the caller holds.

use std::{
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut},
    panic::Location,
    sync::Arc,
};

use tokio::sync::{Mutex, MutexGuard};

use crate::{
    database::{
        ConnectionsId, Database, Transaction, lease::Lease, transaction::TransactionOptions,
    },
    error::{Error, Result},
    query::{Call, Route, Select, Site, check_schema},
    registry::Registry,
    schema::{Anyone, Table},
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
    message = "`{Self}` runs no statements for `{T}`",
    label = "no database, or one that is not bound to the tenant",
    note = "statements run on a `Registry`, a `Database`, a `Transaction`, a `Pinned` connection; \
            for a tenant on what their `for_tenant(…)` gives"
)]
pub trait Reads<T = Anyone>: Sync {
    /// Itself as verbs see it.
    fn executor(&self) -> Executor<'_, T>;
}

/// What writing verbs run on: whatever is read from, unless it is read only.
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
    message = "`{Self}` runs no writes for `{T}`",
    label = "read only, no database, or one that is not bound to the tenant",
    note = "writes run on a `Registry`, a `Database`, a `Transaction`, a `Pinned` connection; \
            for a tenant on what their `for_tenant(…)` gives"
)]
pub trait Writes<T = Anyone>: Reads<T> {}

/// What a verb runs on, as [`Reads`] gives it: a database, a transaction or a connection, and for whom.
pub struct Executor<'a, T = Anyone> {
    kind: Kind<'a>,
    tenant: Option<&'a Datum>,
    bound: PhantomData<fn() -> T>,
}

#[derive(Debug, Clone, Copy)]
enum Kind<'a> {
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
        f.debug_tuple("Executor").field(&self.kind).finish()
    }
}

#[diagnostic::do_not_recommend]
impl Reads for Database {
    fn executor(&self) -> Executor<'_> {
        Executor::new(Kind::Database(self))
    }
}

#[diagnostic::do_not_recommend]
impl Reads for Registry {
    fn executor(&self) -> Executor<'_> {
        Executor::new(Kind::Registry(self))
    }
}

#[diagnostic::do_not_recommend]
impl Reads for Transaction {
    fn executor(&self) -> Executor<'_> {
        Executor::new(Kind::Transaction(self))
    }
}

#[diagnostic::do_not_recommend]
impl Reads for Pinned {
    fn executor(&self) -> Executor<'_> {
        Executor::new(Kind::Pinned(self))
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
impl<T, E: Writes<T> + ?Sized> Writes<T> for &E {}

impl<'a, T> Executor<'a, T> {
    fn new(kind: Kind<'a>) -> Self {
        Self {
            kind,
            tenant: None,
            bound: PhantomData,
        }
    }

    /// The same for a tenant; `B` is what is known of it by type.
    pub(super) fn bound<B>(self, tenant: &'a Datum) -> Executor<'a, B> {
        Executor {
            tenant: Some(tenant),
            ..Executor::new(self.kind)
        }
    }

    /// The same without the promise for whom it is: what the stages of all verbs take.
    pub(crate) fn erased(self) -> Executor<'a> {
        Executor {
            tenant: self.tenant,
            ..Executor::new(self.kind)
        }
    }
}

impl<'a> Executor<'a> {
    /// The connection to run a query on, with its place.
    pub(crate) async fn lease_for(self, call: &Call, select: &Select) -> Result<Held<'a>> {
        self.lease(call, &select.route, Some(select.table)).await
    }

    /// The connection to run a write on; a database that may only be read is refused before anything is sent.
    pub(crate) async fn lease_to_write(
        self,
        call: &Call,
        route: &Route,
        table: Option<&'static Table>,
    ) -> Result<Held<'a>> {
        let database = self.database(route, table)?;
        if database.is_read_only() {
            let tried = match table {
                Some(table) => format!("write to the table `{}`", table.name()),
                None => "run a statement that may write".to_owned(),
            };
            database.check_writable(&tried)?;
        }
        self.lease(call, route, table).await
    }

    /// The connection to run a statement on, taken for it or the one of the transaction, with its place.
    pub(crate) async fn lease(
        self,
        call: &Call,
        route: &Route,
        table: Option<&'static Table>,
    ) -> Result<Held<'a>> {
        call.check(route)?;
        let home = table.and_then(Table::database);
        let database = self.database(route, table)?;
        let lease = match self.kind {
            Kind::Registry(_) | Kind::Database(_) => {
                Leased::Own(database.lease(call.origin).await?)
            }
            Kind::Transaction(transaction) => Leased::Shared(transaction.lease().await?),
            Kind::Pinned(pinned) => Leased::Shared(pinned.lease.lock().await),
        };
        let chosen = match (&route.schema, self.schema(), &route.scope) {
            (Some(schema), ..) | (None, Some(schema), _) | (None, None, Some(schema)) => {
                check_schema(schema, lease.features())?;
                Some(Arc::clone(schema))
            }
            (None, None, None) => None,
        };
        Ok(Held {
            lease,
            executor: self,
            origin: call.origin,
            connections: database.connections_id(),
            home,
            chosen,
            default: database.default_schema().cloned(),
        })
    }

    /// The database that a statement runs in: the one it names, else the one of the handle, else the one of its
    /// schema, else the default one.
    pub(crate) fn database(
        self,
        route: &Route,
        table: Option<&'static Table>,
    ) -> Result<&'a Database> {
        let home = table.and_then(Table::database);
        let database = match self.kind {
            Kind::Registry(registry) => {
                let named = route.database.as_deref().or(home);
                return named.map_or(Ok(registry.default_database()), |name| registry.find(name));
            }
            Kind::Database(database) => database,
            Kind::Transaction(transaction) => transaction.database(),
            Kind::Pinned(pinned) => &pinned.database,
        };
        if let Some(named) = route
            .database
            .as_deref()
            .filter(|named| *named != database.name())
        {
            let name = database.name();
            return Err(Error::configuration(format!(
                "run a statement on the database `{name}`: it says `using(\"{named}\")`; run it on the registry, or on \
                 a handle of `{named}`"
            )));
        }
        let is_default =
            matches!(self.kind, Kind::Transaction(transaction) if transaction.is_of_registry());
        match (home, table) {
            (Some(home), Some(table)) if is_default && home != database.name() => {
                Err(in_other_transaction(table, home, database))
            }
            _ => Ok(database),
        }
    }

    /// The schema that the handle was given.
    fn schema(self) -> Option<&'a Arc<str>> {
        match self.kind {
            Kind::Registry(registry) => registry.chosen_schema(),
            Kind::Database(database) => database.chosen_schema(),
            Kind::Transaction(transaction) => transaction.database().chosen_schema(),
            Kind::Pinned(pinned) => pinned.database.chosen_schema(),
        }
    }

    /// The registry that the handle belongs to; `None` for a database that is in none.
    fn registry(self) -> Option<Registry> {
        match self.kind {
            Kind::Registry(registry) => Some(registry.clone()),
            Kind::Database(database) => database.registry(),
            Kind::Transaction(transaction) => transaction.database().registry(),
            Kind::Pinned(pinned) => pinned.database.registry(),
        }
    }

    /// Whether several statements of one verb need a transaction of their own to be one step.
    pub(crate) fn is_in_transaction(self) -> bool {
        matches!(self.kind, Kind::Transaction(_))
    }
}

fn in_other_transaction(table: &Table, home: &str, database: &Database) -> Error {
    let (table, name) = (table.name(), database.name());
    Error::configuration(format!(
        "run a statement in a transaction of the default database `{name}`: the table `{table}` belongs to the \
         database `{home}`, which the transaction does not reach; begin one with \
         `registry.using(\"{home}\")?.transaction(…)`"
    ))
}

/// A connection for the length of a verb, with what is known of its place: which schema of which database.
pub(crate) struct Held<'a> {
    lease: Leased<'a>,
    executor: Executor<'a>,
    origin: &'static Location<'static>,
    /// Which connections it is one of.
    connections: ConnectionsId,
    /// The database that the first table names.
    home: Option<&'static str>,
    /// The schema that was chosen, if any.
    chosen: Option<Arc<str>>,
    /// The schema of the database's settings.
    default: Option<Arc<str>>,
}

enum Leased<'a> {
    Own(Lease),
    Shared(MutexGuard<'a, Lease>),
}

impl<'a> Held<'a> {
    /// Where statements on this connection run.
    pub(crate) fn site(&self) -> Site<'_> {
        Site::new(self.features(), self.chosen.as_ref(), self.default.as_ref())
            .for_tenant(self.executor.tenant)
    }

    /// The other database that this table is in, if it is in another one: a preload goes there by itself.
    pub(crate) fn elsewhere(&self, table: &'static Table) -> Result<Option<Elsewhere<'a>>> {
        let home = table.database();
        if home == self.home {
            return Ok(None);
        }
        let registry = self.executor.registry().ok_or_else(|| {
            Error::configuration(format!(
                "preload rows of `{}`: they are in another database, and this one is in no registry; run the query on \
                 a registry",
                table.name()
            ))
        })?;
        let other = match home {
            Some(name) => registry.find(name)?,
            None => registry.default_database(),
        };
        let is_other = other.connections_id() != self.connections;
        Ok(is_other.then(|| Elsewhere {
            database: other.clone(),
            executor: self.executor,
            origin: self.origin,
            home,
            chosen: self.chosen.clone(),
        }))
    }
}

/// Another database of the registry, to which a part of a query goes.
pub(crate) struct Elsewhere<'a> {
    database: Database,
    executor: Executor<'a>,
    origin: &'static Location<'static>,
    home: Option<&'static str>,
    chosen: Option<Arc<str>>,
}

impl<'a> Elsewhere<'a> {
    /// A connection to it, for the same route.
    pub(crate) async fn lease(self) -> Result<Held<'a>> {
        let lease = self.database.lease(self.origin).await?;
        if let Some(schema) = &self.chosen {
            check_schema(schema, lease.features())?;
        }
        Ok(Held {
            lease: Leased::Own(lease),
            executor: self.executor,
            origin: self.origin,
            connections: self.database.connections_id(),
            home: self.home,
            chosen: self.chosen,
            default: self.database.default_schema().cloned(),
        })
    }
}

impl Deref for Leased<'_> {
    type Target = Lease;

    fn deref(&self) -> &Lease {
        match self {
            Self::Own(lease) => lease,
            Self::Shared(lease) => lease,
        }
    }
}

impl DerefMut for Leased<'_> {
    fn deref_mut(&mut self) -> &mut Lease {
        match self {
            Self::Own(lease) => lease,
            Self::Shared(lease) => lease,
        }
    }
}

impl Deref for Held<'_> {
    type Target = Lease;

    fn deref(&self) -> &Lease {
        &self.lease
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Lease {
        &mut self.lease
    }
}

/// A connection that the caller holds; see [`Database::pin`]. Dropping it gives the connection back as it is: whoever
/// changed the session's settings calls [`discard`](Self::discard) instead.
pub struct Pinned {
    lease: Mutex<Lease>,
    database: Database,
}

impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pinned").finish_non_exhaustive()
    }
}

impl Pinned {
    pub(crate) fn new(lease: Lease, database: Database) -> Self {
        Self {
            lease: Mutex::new(lease),
            database,
        }
    }

    /// What the database of this connection has and lacks.
    pub async fn features(&self) -> &'static crate::backend::Features {
        self.lease.lock().await.features()
    }

    /// Whether a transaction is open that the program's own SQL began, with `begin` or a savepoint.
    pub async fn is_in_transaction(&self) -> bool {
        self.lease.lock().await.is_in_transaction()
    }

    /// Closes the connection instead of giving it back.
    pub fn discard(self) {
        self.lease.into_inner().discard();
    }

    /// Begins a transaction on this connection. When it ends the connection is given back.
    ///
    /// # Errors
    ///
    /// `Connection` when the connection is lost; `Conflict` when a lock is not free in time.
    pub async fn begin(self) -> Result<Transaction> {
        let options = TransactionOptions::default();
        Transaction::begin(self.lease.into_inner(), self.database, &options).await
    }
}
