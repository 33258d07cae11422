//! The verbs that write many rows: inserts of a list, updates and deletes of the rows of a query.
//!
//! Invariant: no SQL text here, and no database is named.

mod insert_rows;

use std::future::Future;

use self::insert_rows::InsertRows;
use crate::{
    changeset::New,
    connection::TransactionOptions,
    error::Result,
    expr::Node,
    query::{Query, UpdateAll},
    statement::{Insert, Select, Update, column},
    table::Model,
    value::Datum,
    verbs::{
        call_site::CallSite,
        executor::{Executor, Writes},
        fill::{forbid_tenant_change, update_times},
        target::Checkout,
    },
    writer,
};

impl<S: Model> Query<S> {
    /// Deletes all rows that the query's filters match, and returns their number.
    ///
    /// # Errors
    ///
    /// `Constraint` when other rows still refer to one of them; `Unsupported` when the query has more than filters.
    #[track_caller]
    pub fn delete_all<'a>(
        self,
        on: &'a (impl Writes<S::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<u64>> + Send + 'a {
        delete_all(on.executor().erased(), self.select, CallSite::here())
    }
}

impl<S: Model> UpdateAll<S> {
    /// Changes the rows, and returns their number; columns with `updated_at` are set as well.
    ///
    /// # Errors
    ///
    /// `Constraint` when a row would violate one; `Unsupported` when the query has more than filters.
    #[track_caller]
    pub fn update_all<'a>(
        self,
        on: &'a (impl Writes<S::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<u64>> + Send + 'a {
        update_all(on.executor().erased(), self, CallSite::here())
    }
}

/// Inserts several rows in as few statements as the database allows, in one transaction, and returns their number.
///
/// ```no_run
/// # use estoult::{Schema, insert_all, new};
/// # #[derive(Schema)] struct Book { id: i64, title: String }
/// # async fn example(database: &estoult::Database) -> estoult::Result<()> {
/// let titles = ["Galápagos", "Mother Night"];
/// let books = titles.map(|title| new!(Book { title: title.to_owned() }));
/// assert_eq!(insert_all(database, books).await?, 2);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// `Constraint` when a row violates one, and then none is inserted; `Connection`, `Timeout`, `Query` as for every
/// statement.
#[track_caller]
pub fn insert_all<'a, S: Model>(
    on: &'a (impl Writes<S::Tenant> + ?Sized),
    rows: impl IntoIterator<Item = New<S>>,
) -> impl Future<Output = Result<u64>> + Send + 'a {
    let rows = InsertRows::collect(S::table_spec(), rows.into_iter(), New::add_to);
    run_inserts(on.executor().erased(), rows, CallSite::here())
}

async fn delete_all(on: Executor<'_>, rows: Select, call: CallSite) -> Result<u64> {
    call.run(async {
        let target = on
            .target_to_write(&call, &rows.route, Some(rows.table()))
            .await?;
        let statement = writer::delete(&rows, &target.context())?;
        let outcome = target.acquire().await?.execute(statement).await?;
        Ok(outcome.rows_affected)
    })
    .await
}

async fn update_all<S: Model>(on: Executor<'_>, all: UpdateAll<S>, call: CallSite) -> Result<u64> {
    call.run(async {
        let (update, rows) = all_of(all)?;
        let target = on
            .target_to_write(&call, &rows.route, Some(rows.table()))
            .await?;
        let statement = writer::update(&update, &rows, &target.context())?;
        let outcome = target.acquire().await?.execute(statement).await?;
        Ok(outcome.rows_affected)
    })
    .await
}

/// The update of all rows, with the times that estoult sets, and which rows it is for.
pub(super) fn all_of<S: Model>(all: UpdateAll<S>) -> Result<(Update, Select)> {
    let (table, rows) = (S::table_spec(), all.rows);
    let mut update = Update::of(table);
    for (name, node) in all.changes {
        let spec = column(table, &name.to_string())?;
        update.assignments.push((spec, node));
    }
    // A value that the caller sets wins over the time of the update.
    for (spec, now) in update_times(table) {
        if !update.sets(spec) {
            update.assignments.push((spec, Node::Value(now)));
        }
    }
    let set = update.assignments.iter();
    forbid_tenant_change(table, set.map(|(spec, _)| &*spec.name))?;
    Ok((update, rows))
}

async fn run_inserts(on: Executor<'_>, rows: Result<InsertRows>, call: CallSite) -> Result<u64> {
    call.run(async {
        let mut rows = rows?;
        let count = rows.count();
        if count == 0 {
            return Ok(0);
        }
        let target = on
            .target_to_write(&call, &call.route(), Some(rows.table()))
            .await?;
        let context = target.context();
        rows.set_tenant(&context)?;
        let (insert, values) = rows.into_insert()?;
        writer::check_rows(&insert, &values, &context)?;
        let size = writer::bulk_size(insert.columns.len(), context.features);
        // COPY pays where one INSERT doesn't take all rows: it saves round trips. PostgreSQL 15 makes a place for each
        // of its first thousand rows, which one INSERT of as many does not cost.
        let copy = (count > size)
            .then(|| writer::copy_target(&insert, &context))
            .flatten();
        let mut connection = target.acquire().await?;
        if let Some(copy) = copy
            && let Some(count) = connection.copy_rows(&copy, &values).await?
        {
            return Ok(count);
        }
        // One statement is atomic by itself; several need a transaction, unless the caller has one.
        // Asked of the connection: a pinned one may be in a transaction that raw SQL began.
        let needs_transaction = count > size && !connection.is_in_transaction();
        if !needs_transaction {
            return insert_chunks(&mut connection, &insert, values, size).await;
        }
        insert_in_transaction(&mut connection, &insert, values, size).await
    })
    .await
}

/// Inserts all rows or none. A [`Transaction`](crate::Transaction) would own the connection, which may be pinned.
async fn insert_in_transaction(
    connection: &mut Checkout<'_>,
    insert: &Insert,
    values: Vec<Datum>,
    size: usize,
) -> Result<u64> {
    connection.begin(&TransactionOptions::default()).await?;
    // From here on a dropped future leaves the connection inside the transaction, which the release rolls back.
    match insert_chunks(connection, insert, values, size).await {
        Ok(affected) => {
            connection.commit().await?;
            Ok(affected)
        }
        Err(error) => {
            // The caller needs the first error. If the rollback fails as well, the release rolls back.
            let _ = connection.roll_back().await;
            Err(error)
        }
    }
}

async fn insert_chunks(
    connection: &mut Checkout<'_>,
    insert: &Insert,
    values: Vec<Datum>,
    size: usize,
) -> Result<u64> {
    let (mut affected, mut values) = (0, values.into_iter());
    loop {
        let chunk: Vec<_> = values.by_ref().take(size * insert.columns.len()).collect();
        if chunk.is_empty() {
            return Ok(affected);
        }
        let statement = writer::insert_rows(insert, chunk, &connection.context())?;
        affected += connection.execute(statement).await?.rows_affected;
    }
}
