//! How reads run: query, statement, rows, structs.
//!
//! Invariant: no SQL text here, and no database is named.

use crate::{
    database::{Executor, Held},
    error::{Error, ErrorKind, Result},
    query::{Call, Plan, Select, Sql, check_key, select_by_key},
    row::{Collected, FromRow, Records, RecordsSink, Sink},
    schema::{Key, Schema, Shape},
};

pub(crate) async fn get<S: Schema>(on: Executor<'_>, key: S::Key, call: Call) -> Result<Option<S>> {
    let read = async {
        let mut held = on.lease(&call, &call.route(), Some(S::table())).await?;
        by_key::<S>(&mut held, key.into_datums()).await
    };
    let rows = read.await.map_err(|error| error.at(call.origin))?;
    Ok(rows.into_iter().next())
}

/// The rows with this key: one or none.
pub(crate) async fn by_key<S: Schema>(
    held: &mut Held<'_>,
    key: Vec<crate::value::Datum>,
) -> Result<Vec<S>> {
    let (site, table) = (held.site(), S::table());
    check_key(table, &key, site.features)?;
    let sql = S::shapes().text(Shape::Get, &site, table, || Ok(select_by_key(table, &site)))?;
    let statement = site.statement(table, sql, site.limit_key(table, key)?);
    held.rows(statement, S::from_row, table.name()).await
}

impl<R: Send + 'static> Plan<R> {
    /// Runs the query and what follows from it on one connection.
    pub(crate) async fn run(&self, held: &mut Held<'_>, select: &Select) -> Result<Vec<R>> {
        match self {
            Self::Rows(decode) => {
                let statement = select.statement(&held.site())?;
                held.rows(statement, *decode, select.table.name()).await
            }
            Self::Preload(load) => load.load(held, select).await,
        }
    }
}

pub(crate) async fn all<R: Send + 'static>(
    on: Executor<'_>,
    select: Select,
    plan: Plan<R>,
    call: Call,
) -> Result<Vec<R>> {
    let rows = async {
        let mut held = on.lease_for(&call, &select).await?;
        plan.run(&mut held, &select).await
    };
    rows.await.map_err(|error| error.at(call.origin))
}

/// Two rows are enough to tell that there are several.
fn at_most_two(mut select: Select) -> Select {
    select.limit = Some(select.limit.map_or(2, |rows| rows.min(2)));
    select
}

pub(crate) async fn one<R: Send + 'static>(
    on: Executor<'_>,
    select: Select,
    plan: Plan<R>,
    call: Call,
) -> Result<R> {
    let (table, origin) = (select.table.name(), call.origin);
    let rows = all(on, at_most_two(select), plan, call).await?;
    only(rows, &format!("`{table}`")).map_err(|error| error.at(origin))
}

pub(crate) async fn optional<R: Send + 'static>(
    on: Executor<'_>,
    select: Select,
    plan: Plan<R>,
    call: Call,
) -> Result<Option<R>> {
    let (table, origin) = (select.table.name(), call.origin);
    let rows = all(on, at_most_two(select), plan, call).await?;
    at_most_one(rows, &format!("`{table}`")).map_err(|error| error.at(origin))
}

pub(crate) async fn first<R: Send + 'static>(
    on: Executor<'_>,
    mut select: Select,
    plan: Plan<R>,
    call: Call,
) -> Result<Option<R>> {
    select.limit = Some(select.limit.map_or(1, |rows| rows.min(1)));
    all(on, select, plan, call)
        .await
        .map(|rows| rows.into_iter().next())
}

pub(crate) async fn count(on: Executor<'_>, select: Select, call: Call) -> Result<u64> {
    let counted = async {
        let mut held = on.lease_for(&call, &select).await?;
        let statement = select.count(&held.site())?;
        let rows = held
            .rows(statement, <(u64,)>::from_row, select.table.name())
            .await?;
        only(rows, "the count").map(|(count,)| count)
    };
    counted.await.map_err(|error| error.at(call.origin))
}

pub(crate) async fn exists(on: Executor<'_>, select: Select, call: Call) -> Result<bool> {
    let found = async {
        let mut held = on.lease_for(&call, &select).await?;
        let statement = select.exists(&held.site())?;
        let rows = held
            .rows(statement, |_| Ok(()), select.table.name())
            .await?;
        Ok(!rows.is_empty())
    };
    found.await.map_err(|error: Error| error.at(call.origin))
}

pub(crate) async fn raw<R: FromRow>(on: Executor<'_>, sql: Sql, call: Call) -> Result<Vec<R>> {
    let sink = Collected::new(R::from_row, "").by_name(R::columns());
    let rows = fetch(on, &sql, &call, Box::new(sink)).await;
    rows.map(Collected::<R>::from_sink)
        .map_err(|error| error.at(call.origin))
}

pub(crate) async fn records(on: Executor<'_>, sql: Sql, call: Call) -> Result<Records> {
    let records = fetch(on, &sql, &call, Box::new(RecordsSink::default())).await;
    records
        .map(RecordsSink::into_records)
        .map_err(|error| error.at(call.origin))
}

/// Runs raw SQL. A write that a read-only session refuses is told with the name of the database.
async fn fetch(
    on: Executor<'_>,
    sql: &Sql,
    call: &Call,
    sink: Box<dyn Sink>,
) -> Result<Box<dyn Sink>> {
    let mut held = on.lease(call, &sql.route, None).await?;
    let statement = sql.statement(&held.site())?;
    let fetched = held.fetch(statement, sink).await;
    fetched.map_err(|error| match on.database(&sql.route, None) {
        Ok(database) if matches!(error.kind(), ErrorKind::ReadOnly) => {
            error.context(&format!("run a statement on {database}"))
        }
        _ => error,
    })
}

/// The only row of these.
pub(crate) fn only<R>(rows: Vec<R>, what: &str) -> Result<R> {
    at_most_one(rows, what)?.ok_or_else(|| {
        Error::new(
            ErrorKind::NotFound,
            format!("read one row of {what}: there is none; use `optional` when that may be"),
        )
    })
}

/// The only row of these, or none.
pub(crate) fn at_most_one<R>(rows: Vec<R>, what: &str) -> Result<Option<R>> {
    if rows.len() > 1 {
        return Err(Error::new(
            ErrorKind::TooMany,
            format!("read one row of {what}: there are several; filter further, or use `first`"),
        ));
    }
    Ok(rows.into_iter().next())
}
