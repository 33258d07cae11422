//! How reads run: query, statement, rows, structs.
//!
//! Invariant: no SQL text here, and no database is named.

use std::panic::Location;

use crate::{
    backend::Statement,
    database::{Executor, lease::Lease},
    error::{Error, ErrorKind, Result},
    query::{Build, Plan, Select, Sql, check_key, select_by_key},
    row::{Collected, FromRow},
    schema::{Key, Schema, Shape},
};

type Origin = &'static Location<'static>;

pub(crate) async fn get<S: Schema>(
    on: Executor<'_>,
    key: S::Key,
    origin: Origin,
) -> Result<Option<S>> {
    let mut lease = on.lease(origin).await.map_err(|error| error.at(origin))?;
    let rows = by_key::<S>(&mut lease, key.into_datums()).await;
    rows.map(|rows| rows.into_iter().next())
        .map_err(|error| error.at(origin))
}

/// The rows with this key: one or none.
pub(crate) async fn by_key<S: Schema>(
    lease: &mut Lease,
    key: Vec<crate::value::Datum>,
) -> Result<Vec<S>> {
    let features = lease.features();
    let table = S::table();
    check_key(table, &key, features)?;
    let sql = S::shapes().text(Shape::Get, features.dialect, || {
        Ok(select_by_key(table, features))
    })?;
    let statement = Statement {
        sql,
        values: key,
        is_raw: false,
    };
    lease.rows(statement, S::from_row, table.name()).await
}

impl<R: Send + 'static> Plan<R> {
    /// Runs the query and what follows from it on one connection.
    pub(crate) async fn run(&self, lease: &mut Lease, select: &Select) -> Result<Vec<R>> {
        match self {
            Self::Rows(decode) => {
                let statement = select.statement(lease.features())?;
                lease.rows(statement, *decode, select.table.name()).await
            }
            Self::Preload(load) => load.load(lease, select).await,
        }
    }
}

pub(crate) async fn all<R: Send + 'static>(
    on: Executor<'_>,
    select: Select,
    plan: Plan<R>,
    origin: Origin,
) -> Result<Vec<R>> {
    let mut lease = on.lease(origin).await.map_err(|error| error.at(origin))?;
    plan.run(&mut lease, &select)
        .await
        .map_err(|error| error.at(origin))
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
    origin: Origin,
) -> Result<R> {
    let table = select.table.name();
    let rows = all(on, at_most_two(select), plan, origin).await?;
    only(rows, &format!("`{table}`")).map_err(|error| error.at(origin))
}

pub(crate) async fn optional<R: Send + 'static>(
    on: Executor<'_>,
    select: Select,
    plan: Plan<R>,
    origin: Origin,
) -> Result<Option<R>> {
    let table = select.table.name();
    let rows = all(on, at_most_two(select), plan, origin).await?;
    at_most_one(rows, &format!("`{table}`")).map_err(|error| error.at(origin))
}

pub(crate) async fn first<R: Send + 'static>(
    on: Executor<'_>,
    mut select: Select,
    plan: Plan<R>,
    origin: Origin,
) -> Result<Option<R>> {
    select.limit = Some(select.limit.map_or(1, |rows| rows.min(1)));
    all(on, select, plan, origin)
        .await
        .map(|rows| rows.into_iter().next())
}

pub(crate) async fn count(on: Executor<'_>, select: Select, origin: Origin) -> Result<u64> {
    let mut lease = on.lease(origin).await.map_err(|error| error.at(origin))?;
    let counted = async {
        let statement = select.count(lease.features())?;
        let rows = lease
            .rows(statement, <(u64,)>::from_row, select.table.name())
            .await?;
        only(rows, "the count").map(|(count,)| count)
    };
    counted.await.map_err(|error| error.at(origin))
}

pub(crate) async fn exists(on: Executor<'_>, select: Select, origin: Origin) -> Result<bool> {
    let mut lease = on.lease(origin).await.map_err(|error| error.at(origin))?;
    let found = async {
        let statement = select.exists(lease.features())?;
        let rows = lease
            .rows(statement, |_| Ok(()), select.table.name())
            .await?;
        Ok(!rows.is_empty())
    };
    found.await.map_err(|error: Error| error.at(origin))
}

pub(crate) async fn raw<R: FromRow>(on: Executor<'_>, sql: Sql, origin: Origin) -> Result<Vec<R>> {
    let mut lease = on.lease(origin).await.map_err(|error| error.at(origin))?;
    let rows = async {
        let statement = sql.statement(lease.features())?;
        let sink = Collected::new(R::from_row, "").by_name(R::columns());
        lease
            .fetch(statement, Box::new(sink))
            .await
            .map(Collected::<R>::from_sink)
    };
    rows.await.map_err(|error| error.at(origin))
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
