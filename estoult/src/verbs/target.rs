//! [`Target`]: the database, schema and tenant that one verb runs in; and [`Checkout`], its connection.
//!
//! Invariant: a statement is rendered for a target before its connection is acquired; one that can't be written takes
//! none.

use std::{
    collections::VecDeque,
    ops::{Deref, DerefMut},
    panic::Location,
    sync::Arc,
    time::Duration,
};

use tokio::sync::MutexGuard;

use crate::{
    backend::{Features, Statement},
    connection::Connection,
    database::{ConnectionsId, Database},
    error::{Error, Result},
    observe::Caller,
    query::Request,
    row::Sink,
    sql::Dialect,
    statement::{Route, Select},
    table::Table,
    value::Datum,
    verbs::{
        call_site::CallSite,
        executor::{Executor, Handle},
        left_open::left_open,
    },
    writer::{self, SqlContext, check_schema},
};

/// Where one verb runs.
pub(super) struct Target<'a> {
    executor: Executor<'a>,
    database: &'a Database,
    origin: &'static Location<'static>,
    features: &'static Features,
    /// The database that the first table names.
    table_database: Option<&'static str>,
    /// The schema that was chosen, if any.
    schema: Option<Arc<str>>,
    /// How long each statement may take, if the verb says so.
    timeout: Option<Duration>,
    /// A connection that was acquired early, to learn the dialect.
    early: Option<Connection>,
}

impl<'a> Executor<'a> {
    /// The target of a statement that reads.
    pub(super) async fn target(
        self,
        call: &CallSite,
        route: &Route,
        table: Option<&'static Table>,
    ) -> Result<Target<'a>> {
        call.check(route)?;
        let database = self.database(route, table)?;
        let mut early = None;
        let features = match self.handle {
            Handle::Transaction(transaction) => transaction.features(),
            Handle::Pinned(pinned) => pinned.features().await,
            Handle::Registry(_) | Handle::Database(_) if database.source().is_dialect_known() => {
                database.dialect().features()
            }
            // The scheme `mysql` is MySQL or MariaDB until a server answers, so the first verb acquires its connection
            // before it renders.
            Handle::Registry(_) | Handle::Database(_) => {
                let connection = Box::pin(database.acquire(call.origin)).await?;
                early.insert(connection).features()
            }
        };
        // The statement's own words go before the handle, and the handle before the scope.
        let schema = route.schema.as_ref();
        let schema = schema.or(self.handle.schema()).or(route.scope.as_ref());
        if let Some(schema) = schema {
            check_schema(schema, features)?;
        }
        Ok(Target {
            executor: self,
            database,
            origin: call.origin,
            features,
            table_database: table.and_then(Table::database),
            schema: schema.cloned(),
            timeout: route.timeout,
            early,
        })
    }

    /// The target of a statement that writes; a read-only database is refused before anything is sent.
    pub(super) async fn target_to_write(
        self,
        call: &CallSite,
        route: &Route,
        table: Option<&'static Table>,
    ) -> Result<Target<'a>> {
        let database = self.database(route, table)?;
        if database.is_read_only() {
            let tried = match table {
                Some(table) => format!("write to the table `{}`", table.name()),
                None => "run a statement that may write".to_owned(),
            };
            database.check_writable(&tried)?;
        }
        self.target(call, route, table).await
    }

    /// The database that a statement runs in. On a registry: the one it names, otherwise that of its Rust schema,
    /// otherwise the default one; on any other handle: that of the handle.
    pub(super) fn database(
        self,
        route: &Route,
        table: Option<&'static Table>,
    ) -> Result<&'a Database> {
        let table_database = table.and_then(Table::database);
        let database = match self.handle {
            Handle::Registry(registry) => {
                let named = route.database.as_deref().or(table_database);
                return named.map_or(Ok(registry.default_database()), |name| registry.find(name));
            }
            Handle::Database(database) => database,
            Handle::Transaction(transaction) => transaction.database(),
            Handle::Pinned(pinned) => &pinned.database,
        };
        let named = route.database.as_deref();
        if let Some(named) = named.filter(|named| *named != database.name()) {
            let name = database.name();
            return Err(Error::configuration(format!(
                "run a statement on the database `{name}`: it says `using(\"{named}\")`; run it on the registry, or on \
                 a handle of `{named}`"
            )));
        }
        // `registry.transaction` begins on the default database, so a table of another one is a mistake. A handle that
        // the program chose itself may have the table under another name.
        let is_registry_transaction =
            matches!(self.handle, Handle::Transaction(transaction) if transaction.is_of_registry());
        match (table_database, table) {
            (Some(table_database), Some(table))
                if is_registry_transaction && table_database != database.name() =>
            {
                Err(in_other_transaction(table, table_database, database))
            }
            _ => Ok(database),
        }
    }
}

/// Whether a verb on this handle has a connection to itself, outside of any transaction of the caller's.
fn is_own(handle: Handle<'_>) -> bool {
    match handle {
        Handle::Registry(_) | Handle::Database(_) => true,
        Handle::Transaction(_) | Handle::Pinned(_) => false,
    }
}

fn in_other_transaction(table: &Table, table_database: &str, database: &Database) -> Error {
    let (table, name) = (table.name(), database.name());
    Error::configuration(format!(
        "run a statement in a transaction of the default database `{name}`: the table `{table}` belongs to the \
         database `{table_database}`, which the transaction does not reach; begin one with \
         `registry.using(\"{table_database}\")?.transaction(…)`"
    ))
}

impl<'a> Target<'a> {
    /// The context to render statements in.
    pub(super) fn context(&self) -> SqlContext<'_> {
        let default = self.database.default_schema();
        SqlContext::new(self.features, self.schema.as_ref(), default)
            .for_tenant(self.executor.tenant)
    }

    /// Refuses the program's own SQL where it would leave a transaction open that no caller could end.
    pub(super) fn check_ended(&self, check: impl FnOnce(Dialect) -> Result<()>) -> Result<()> {
        match is_own(self.executor.handle) {
            true => check(self.features.dialect),
            false => Ok(()),
        }
    }

    /// Gives all statements together as much time as the one that may take the longest; `None` stands for that of the
    /// database.
    pub(super) fn set_longest_timeout(&mut self, timeouts: &[Option<Duration>]) {
        let default = self.database.source().options().statement_timeout;
        let mut limits = timeouts.iter().map(|timeout| timeout.or(default));
        // No time at all is refused, and a longer limit of another statement must not hide it.
        if limits
            .clone()
            .any(|limit| limit.is_some_and(|limit| limit.is_zero()))
        {
            self.timeout = Some(Duration::ZERO);
            return;
        }
        // One without any limit lifts that of the others.
        self.timeout = limits.try_fold(Duration::ZERO, |longest, limit| {
            limit.map(|limit| longest.max(limit))
        });
    }

    /// Refuses a statement for another database than this one.
    pub(super) fn check_same(&self, other: &Database) -> Result<()> {
        if self.database.connections_id() == other.connections_id() {
            return Ok(());
        }
        let (first, second) = (self.database.name(), other.name());
        Err(Error::configuration(format!(
            "run a pipeline: its statements are for the databases `{first}` and `{second}`, but it has one connection; \
             make a pipeline for each"
        )))
    }

    /// The connection: one from the pool, or that of the transaction.
    pub(super) async fn acquire(mut self) -> Result<Checkout<'a>> {
        // The lock of a shared connection is held until the verb ends: verbs on one transaction run one after another.
        let mut connection = match (self.early.take(), self.executor.handle) {
            (Some(connection), _) => CheckedOut::Owned(connection),
            (None, Handle::Registry(_) | Handle::Database(_)) => {
                // Fast path: one that is idle is taken without a future of its own, and no verb has room for that.
                let idle = self.database.acquire_idle(self.origin);
                CheckedOut::Owned(match idle {
                    Some(connection) => connection,
                    None => Box::pin(self.database.acquire(self.origin)).await?,
                })
            }
            (None, Handle::Transaction(transaction)) => {
                CheckedOut::Shared(transaction.connection().await?)
            }
            (None, Handle::Pinned(pinned)) => CheckedOut::Shared(pinned.connection.lock().await),
        };
        // Also when there is none: the connection of a transaction has that of the verb before.
        connection.set_verb_timeout(self.timeout);
        connection.set_caller(Caller::new(self.database.observers(), self.origin));
        Ok(Checkout {
            connection,
            next: None,
            scope: CheckoutScope {
                timeout: self.timeout,
                tenant: self.executor.tenant,
                handle: self.executor.handle,
                origin: self.origin,
                connections: self.database.connections_id(),
                table_database: self.table_database,
                schema: self.schema,
                default_schema: self.database.default_schema().cloned(),
            },
        })
    }
}

/// A connection for the length of a verb.
pub(super) struct Checkout<'a> {
    connection: CheckedOut<'a>,
    scope: CheckoutScope<'a>,
    /// The next select, if it was rendered before the connection was acquired.
    next: Option<Statement>,
}

enum CheckedOut<'a> {
    Owned(Connection),
    Shared(MutexGuard<'a, Connection>),
}

/// What further statements of the verb inherit from the first one.
#[derive(Clone)]
struct CheckoutScope<'a> {
    tenant: Option<&'a Datum>,
    handle: Handle<'a>,
    origin: &'static Location<'static>,
    timeout: Option<Duration>,
    /// The pool that the connection belongs to.
    connections: ConnectionsId,
    /// The database that the table names.
    table_database: Option<&'static str>,
    schema: Option<Arc<str>>,
    default_schema: Option<Arc<str>>,
}

impl Deref for CheckedOut<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match self {
            Self::Owned(connection) => connection,
            Self::Shared(connection) => connection,
        }
    }
}

impl DerefMut for CheckedOut<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        match self {
            Self::Owned(connection) => connection,
            Self::Shared(connection) => connection,
        }
    }
}

impl<'a> Checkout<'a> {
    /// The outcome of the program's own SQL; an error when it has left a transaction open that no caller could end.
    pub(super) fn ended<T>(&self, outcome: Result<T>) -> Result<T> {
        match outcome {
            Ok(_) if is_own(self.scope.handle) && self.is_in_transaction() => Err(left_open()),
            outcome => outcome,
        }
    }

    /// The context to render further statements on this connection in.
    pub(super) fn context(&self) -> SqlContext<'_> {
        let scope = &self.scope;
        SqlContext::new(
            self.features(),
            scope.schema.as_ref(),
            scope.default_schema.as_ref(),
        )
        .for_tenant(scope.tenant)
    }

    /// Uses this statement for the next select instead of rendering it again.
    pub(super) fn set_next(&mut self, statement: Statement) {
        self.next = Some(statement);
    }

    /// Runs selects, each in the database that its table is in: those on this connection together.
    pub(super) async fn fetch_all(
        &mut self,
        requests: Vec<Request>,
    ) -> Result<VecDeque<Box<dyn Sink>>> {
        let mut answers: Vec<Option<Box<dyn Sink>>> = Vec::new();
        let (mut places, mut statements) = (Vec::new(), Vec::new());
        for (place, Request { select, sink }) in requests.into_iter().enumerate() {
            if let Some(other) = self.other_database(select.table())? {
                let scope = self.scope.clone();
                answers.push(Some(fetch_from(other, scope, &select, sink).await?));
                continue;
            }
            let statement = match self.next.take() {
                Some(statement) => statement,
                None => writer::select(&select, &self.context())?,
            };
            answers.push(None);
            places.push(place);
            statements.push((statement, sink));
        }
        let fetched = match statements.pop() {
            None => Vec::new(),
            // Fast path: a level with one association.
            Some((statement, sink)) if statements.is_empty() => {
                vec![Connection::fetch(self, statement, sink).await]
            }
            Some(last) => {
                statements.push(last);
                Connection::pipeline(self, statements).await?
            }
        };
        for (place, sink) in places.into_iter().zip(fetched) {
            answers[place] = Some(sink?);
        }
        Ok(answers.into_iter().flatten().collect())
    }

    /// The database of this table, if it is another one.
    fn other_database(&self, table: &'static Table) -> Result<Option<Database>> {
        let (scope, table_database) = (&self.scope, table.database());
        if table_database == scope.table_database {
            return Ok(None);
        }
        let siblings = scope.handle.siblings().ok_or_else(|| {
            Error::configuration(format!(
                "preload rows of `{}`: they are in another database, and this one is in no registry; run the query on \
                 a registry",
                table.name()
            ))
        })?;
        let other = match table_database {
            Some(name) => siblings.find(name)?,
            None => siblings.default_database(),
        };
        // Two names may lead to one database, whose rows are then read on this connection, in its transaction.
        let is_other = other.connections_id() != scope.connections;
        Ok(is_other.then(|| other.clone()))
    }
}

/// Runs a select on a connection to another database, in the schema and for the tenant of the verb.
async fn fetch_from(
    other: Database,
    scope: CheckoutScope<'_>,
    select: &Select,
    sink: Box<dyn Sink>,
) -> Result<Box<dyn Sink>> {
    // Acquired while the verb has its first connection. Verbs that preload in opposite directions may wait for each
    // other when both pools are exhausted; the acquire timeout ends that.
    let mut connection = other.acquire(scope.origin).await?;
    connection.set_verb_timeout(scope.timeout);
    let features = connection.features();
    if let Some(schema) = &scope.schema {
        check_schema(schema, features)?;
    }
    let context = SqlContext::new(features, scope.schema.as_ref(), other.default_schema());
    let statement = writer::select(select, &context.for_tenant(scope.tenant))?;
    connection.fetch(statement, sink).await
}

impl Deref for Checkout<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Checkout<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}
