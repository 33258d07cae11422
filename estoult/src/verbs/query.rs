//! The verbs that read rows: target, statement, connection, rows, structs.
//!
//! Invariant: no SQL text here, and no database is named.

use std::future::Future;

use crate::{
    backend::Statement,
    error::{Error, ErrorKind, Result},
    query::{Loader, Query},
    row::FromRow,
    statement::Select,
    table::{FixedStatement, Key, Model},
    value::Datum,
    verbs::{
        call_site::CallSite,
        executor::{Executor, Reads},
        preload,
    },
    writer::{self, SqlContext},
};

impl<S: Model, R: Send + 'static> Query<S, R> {
    /// All rows.
    ///
    /// # Errors
    ///
    /// `Connection` and `Timeout` when there is no connection, `Query` when the database refuses the statement,
    /// `Decode` when a row does not fit its type, `Unsupported` when the database lacks what the query asks for.
    #[track_caller]
    pub fn all<'a>(
        self,
        on: &'a (impl Reads<S::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<Vec<R>>> + Send + 'a {
        all(on.executor().erased(), self, CallSite::here())
    }

    /// The only row.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is none, `TooMany` when there are several; else as for [`all`](Self::all).
    #[track_caller]
    pub fn one<'a>(
        self,
        on: &'a (impl Reads<S::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<R>> + Send + 'a {
        one(on.executor().erased(), self, CallSite::here())
    }

    /// The only row, or none.
    ///
    /// # Errors
    ///
    /// `TooMany` when there are several; else as for [`all`](Self::all).
    #[track_caller]
    pub fn optional<'a>(
        self,
        on: &'a (impl Reads<S::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<Option<R>>> + Send + 'a {
        optional(on.executor().erased(), self, CallSite::here())
    }

    /// The first row in the query's order, or none.
    ///
    /// # Errors
    ///
    /// As for [`all`](Self::all).
    #[track_caller]
    pub fn first<'a>(
        self,
        on: &'a (impl Reads<S::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<Option<R>>> + Send + 'a {
        first(on.executor().erased(), self, CallSite::here())
    }

    /// The number of rows, within limit and offset.
    ///
    /// # Errors
    ///
    /// As for [`all`](Self::all).
    #[track_caller]
    pub fn count<'a>(
        self,
        on: &'a (impl Reads<S::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<u64>> + Send + 'a {
        count(on.executor().erased(), self.select, CallSite::here())
    }

    /// Whether there is a row.
    ///
    /// # Errors
    ///
    /// As for [`all`](Self::all).
    #[track_caller]
    pub fn exists<'a>(
        self,
        on: &'a (impl Reads<S::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<bool>> + Send + 'a {
        exists(on.executor().erased(), self.select, CallSite::here())
    }
}

pub(super) async fn get<S: Model>(
    on: Executor<'_>,
    key: S::Key,
    call: CallSite,
) -> Result<Option<S>> {
    let key = key.into_datums();
    call.run(async {
        let target = on
            .target(&call, &call.route(), Some(S::table_spec()))
            .await?;
        let statement = by_key::<S>(key, &target.context())?;
        let mut connection = target.acquire().await?;
        let table = S::table_spec().name();
        let rows = connection.rows(statement, S::from_row, table).await?;
        Ok(rows.into_iter().next())
    })
    .await
}

/// The statement for the row with this key.
pub(super) fn by_key<S: Model>(key: Vec<Datum>, context: &SqlContext<'_>) -> Result<Statement> {
    let (table, features) = (S::table_spec(), context.features);
    writer::check_key(table, &key, features)?;
    let sql = S::statement_cache().text(
        FixedStatement::Get,
        features.dialect,
        context.routed(table),
        || writer::select_by_key(table, context),
    )?;
    Ok(context.statement(table, sql, context.with_tenant(table, key)?))
}

async fn all<S: Model, R: Send + 'static>(
    on: Executor<'_>,
    query: Query<S, R>,
    call: CallSite,
) -> Result<Vec<R>> {
    let (select, loader) = (query.select, query.loader);
    call.run(async {
        let target = on
            .target(&call, &select.route, Some(select.table()))
            .await?;
        // Rendered first, so that a query that can't be written takes no connection.
        let statement = writer::select(&select, &target.context())?;
        let mut connection = target.acquire().await?;
        match &loader {
            // Without preloads each row is decoded straight into the result.
            Loader::Rows(decode) => {
                let table = select.table().name();
                connection.rows(statement, *decode, table).await
            }
            Loader::Preload(_) => {
                // Loading starts with this very select and renders those of the associations.
                connection.set_next(statement);
                preload::load(&loader, &mut connection, select).await
            }
        }
    })
    .await
}

async fn one<S: Model, R: Send + 'static>(
    on: Executor<'_>,
    query: Query<S, R>,
    call: CallSite,
) -> Result<R> {
    let table = query.select.table().name();
    let rows = all(on, at_most_two(query), call.clone()).await?;
    call.run(async { exactly_one(rows, &format!("`{table}`")) })
        .await
}

async fn optional<S: Model, R: Send + 'static>(
    on: Executor<'_>,
    query: Query<S, R>,
    call: CallSite,
) -> Result<Option<R>> {
    let table = query.select.table().name();
    let rows = all(on, at_most_two(query), call.clone()).await?;
    call.run(async { at_most_one(rows, &format!("`{table}`")) })
        .await
}

async fn first<S: Model, R: Send + 'static>(
    on: Executor<'_>,
    mut query: Query<S, R>,
    call: CallSite,
) -> Result<Option<R>> {
    let limit = query.select.limit.map_or(1, |rows| rows.min(1));
    query.select.limit = Some(limit);
    let rows = all(on, query, call).await?;
    Ok(rows.into_iter().next())
}

async fn count(on: Executor<'_>, select: Select, call: CallSite) -> Result<u64> {
    call.run(async {
        let table = select.table();
        let target = on.target(&call, &select.route, Some(table)).await?;
        let statement = writer::count(select, &target.context())?;
        let mut connection = target.acquire().await?;
        let rows = connection
            .rows(statement, <(u64,)>::from_row, table.name())
            .await?;
        exactly_one(rows, "the count").map(|(count,)| count)
    })
    .await
}

async fn exists(on: Executor<'_>, select: Select, call: CallSite) -> Result<bool> {
    call.run(async {
        let table = select.table();
        let target = on.target(&call, &select.route, Some(table)).await?;
        let statement = writer::exists(select, &target.context())?;
        let mut connection = target.acquire().await?;
        let rows = connection.rows(statement, |_| Ok(()), table.name()).await?;
        Ok(!rows.is_empty())
    })
    .await
}

/// Two rows are enough to see that there are several.
fn at_most_two<S: Model, R>(mut query: Query<S, R>) -> Query<S, R> {
    let limit = query.select.limit.map_or(2, |rows| rows.min(2));
    query.select.limit = Some(limit);
    query
}

/// The only row of these.
pub(super) fn exactly_one<R>(rows: Vec<R>, what: &str) -> Result<R> {
    at_most_one(rows, what)?.ok_or_else(|| {
        Error::new(
            ErrorKind::NotFound,
            format!("read one row of {what}: no row matches; use `optional` if that can happen"),
        )
    })
}

/// The only row of these, or none.
pub(super) fn at_most_one<R>(rows: Vec<R>, what: &str) -> Result<Option<R>> {
    if rows.len() > 1 {
        return Err(Error::new(
            ErrorKind::TooMany,
            format!("read one row of {what}: there are several; filter further, or use `first`"),
        ));
    }
    Ok(rows.into_iter().next())
}
