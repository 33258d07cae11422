//! The verbs that write one row: changeset, statement, row; a violated constraint becomes the error of its field.
//!
//! Invariant: no SQL text here, and no database is named.

use std::future::Future;

use crate::{
    backend::Statement,
    changeset::{Changeset, New},
    error::{Conflict, Error, ErrorKind, Result},
    statement::{Insert, column},
    table::{Changes, FixedStatement, Key, Model, Table},
    value::Datum,
    verbs::{
        call_site::CallSite,
        constraint::as_field_error,
        executor::{Executor, Writes},
        fill::{fill_defaults, forbid_tenant_change, require_columns, set_tenant, update_times},
        query::{by_key, exactly_one},
        target::Checkout,
    },
    writer::{self, SqlContext},
};

impl<S: Model> New<S> {
    /// Inserts the row and returns it as the database stores it.
    ///
    /// # Errors
    ///
    /// `Constraint` when the row violates one; `Connection`, `Timeout`, `Query` as for every statement.
    #[track_caller]
    pub fn insert<'a>(
        self,
        on: &'a (impl Writes<S::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<S>> + Send + 'a {
        insert_new(on.executor().erased(), self, CallSite::here())
    }
}

impl<S: Model> Changeset<S> {
    /// Inserts the row and returns it as the database stores it.
    ///
    /// # Errors
    ///
    /// `Invalid` with every error of the changeset, also for constraints that it expects; `Constraint` for those that
    /// it does not; `Connection`, `Timeout`, `Query` as for every statement.
    #[track_caller]
    pub fn insert<'a>(
        self,
        on: &'a (impl Writes<S::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<S>> + Send + 'a {
        insert(on.executor().erased(), self, CallSite::here())
    }

    /// Writes the columns that differ from the row's, and returns the changed row. If none differs, nothing is sent.
    ///
    /// # Errors
    ///
    /// `Conflict` when the row is gone; else as for [`insert`](Self::insert). `Configuration` when there is no row to
    /// update.
    #[track_caller]
    pub fn update<'a>(
        self,
        on: &'a (impl Writes<S::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<S>> + Send + 'a {
        update(on.executor().erased(), self, CallSite::here())
    }
}

async fn insert_new<S: Model>(on: Executor<'_>, row: New<S>, call: CallSite) -> Result<S> {
    let table = S::table_spec();
    let (mut changes, is_literal) = row.into_changes();
    fill_defaults(table, &mut changes);
    call.run(async {
        let target = on
            .target_to_write(&call, &call.route(), Some(table))
            .await?;
        set_tenant(table, &mut changes, &target.context())?;
        let insert = RenderedInsert::new::<S>(changes, is_literal, &target.context())?;
        insert.run(&mut target.acquire().await?).await
    })
    .await
}

async fn insert<S: Model>(on: Executor<'_>, changeset: Changeset<S>, call: CallSite) -> Result<S> {
    let table = S::table_spec();
    call.run(async {
        changeset.check()?;
        let mut changes = changeset.changes;
        fill_defaults(table, &mut changes);
        require_columns(table, &changes)?;
        let target = on
            .target_to_write(&call, &call.route(), Some(table))
            .await?;
        set_tenant(table, &mut changes, &target.context())?;
        let insert = RenderedInsert::new::<S>(changes.clone(), false, &target.context())?;
        let mut connection = target.acquire().await?;
        match insert.run(&mut connection).await {
            Ok(row) => Ok(row),
            // Asked on the same connection: inside a transaction, no other one sees its rows.
            Err(error) => {
                let rules = &changeset.rules;
                Err(as_field_error(error, rules, table, &changes, &mut connection).await)
            }
        }
    })
    .await
}

/// The insert of one row, rendered.
struct RenderedInsert {
    statement: Statement,
    /// The parts of the key that the program sets, on a database without RETURNING.
    key: Option<Vec<Option<Datum>>>,
}

impl RenderedInsert {
    /// `is_literal`: the columns are those of the schema's literal, so that the text can be cached.
    fn new<S: Model>(changes: Changes, is_literal: bool, context: &SqlContext<'_>) -> Result<Self> {
        let (table, features) = (S::table_spec(), context.features);
        let insert = Insert::new(table, changes.columns())?;
        // Read before the values move into the statement; `run` finds the new row by it.
        let key = (!features.insert_returning).then(|| {
            let key = table.key();
            key.map(|column| changes.get(&column.name).cloned())
                .collect()
        });
        let values: Vec<_> = changes
            .into_values()
            .into_iter()
            .map(|(_, datum)| datum)
            .collect();
        for (column, datum) in insert.columns.iter().zip(&values) {
            writer::check_datum(datum, table, &column.name, features)?;
        }
        let render = || writer::insert(&insert, context);
        let sql = match is_literal {
            true => S::statement_cache().text(
                FixedStatement::Insert,
                features.dialect,
                context.routed(table),
                render,
            )?,
            false => render()?,
        };
        Ok(Self {
            statement: context.statement(table, sql, values),
            key,
        })
    }

    /// Inserts the row and reads it back, in one statement where the database can.
    async fn run<S: Model>(self, connection: &mut Checkout<'_>) -> Result<S> {
        let table = S::table_spec();
        let Some(given) = self.key else {
            let rows = connection
                .rows(self.statement, S::from_row, table.name())
                .await?;
            return exactly_one(rows, "the inserted row");
        };
        let outcome = connection.execute(self.statement).await?;
        // MySQL reports the auto-increment value with the outcome; a key has at most one such part.
        let generated = outcome.last_insert_id.map(Datum::Int);
        let key: Option<Vec<Datum>> = given
            .into_iter()
            .map(|part| part.or_else(|| generated.clone()))
            .collect();
        let key = key.ok_or_else(|| {
            Error::internal(format!(
                "read back a row of `{}`: the database gave no key for it",
                table.name()
            ))
        })?;
        let statement = by_key::<S>(key, &connection.context())?;
        let rows = connection
            .rows(statement, S::from_row, table.name())
            .await?;
        exactly_one(rows, "the inserted row")
    }
}

async fn update<S: Model>(on: Executor<'_>, changeset: Changeset<S>, call: CallSite) -> Result<S> {
    let table = S::table_spec();
    call.run(async {
        changeset.check()?;
        let Some(data) = changeset.data else {
            return Err(Error::configuration(format!(
                "update a row of `{}`: the changeset has no row; make it with `row.change()`",
                table.name()
            )));
        };
        let changed = changed::<S>(&data, changeset.changes);
        if changed.is_empty() {
            return Ok(data);
        }
        forbid_tenant_change(table, changed.columns())?;
        let target = on
            .target_to_write(&call, &call.route(), Some(table))
            .await?;
        let key = data.primary_key().into_datums();
        let statement = update_by_key::<S>(&changed, key, &target.context())?;
        let mut connection = target.acquire().await?;
        match connection.execute(statement).await {
            // The count is of matched rows, also where nothing changed: sqlx sets CLIENT_FOUND_ROWS on MySQL.
            Ok(outcome) if outcome.rows_affected == 0 => Err(stale("update", table)),
            Ok(_) => with_changes(data, &changed),
            Err(error) => {
                let rules = &changeset.rules;
                Err(as_field_error(error, rules, table, &changed, &mut connection).await)
            }
        }
    })
    .await
}

/// The update of one row by its key.
fn update_by_key<S: Model>(
    changed: &Changes,
    key: Vec<Datum>,
    context: &SqlContext<'_>,
) -> Result<Statement> {
    let (table, features) = (S::table_spec(), context.features);
    let mut columns = Vec::with_capacity(changed.values().len());
    let mut values = Vec::with_capacity(changed.values().len() + key.len() + 1);
    for (name, datum) in changed.values() {
        writer::check_datum(datum, table, name, features)?;
        columns.push(column(table, name)?);
        values.push(datum.clone());
    }
    // WHERE comes after SET, so the values of the key follow those of the assignments.
    values.extend(context.with_tenant(table, key)?);
    let render = |columns: &[_]| writer::update_by_key(table, columns, context);
    let (dialect, schema) = (features.dialect, context.routed(table));
    let sql = S::statement_cache().update(columns, dialect, schema, render)?;
    Ok(context.statement(table, sql, values))
}

/// The changes that differ from the row, and the time of the update when there are any.
fn changed<S: Model>(data: &S, changes: Changes) -> Changes {
    let mut changed = Changes::default();
    for (column, datum) in changes.into_values() {
        if data.datum(&column).as_ref() != Some(&datum) {
            changed.put(column, datum);
        }
    }
    // A changeset without a change must send nothing, so the time of the update alone is no change.
    if !changed.is_empty() {
        for (column, now) in update_times(S::table_spec()) {
            if changed.get(&column.name).is_none() {
                changed.put(column.name.clone(), now);
            }
        }
    }
    changed
}

fn stale(verb: &str, table: &Table) -> Error {
    let reason = match table.tenant() {
        Some(_) => {
            "no row of the tenant has its key; it was deleted since it was read, or is another tenant's"
        }
        None => "no row has its key any more; it was deleted since it was read",
    };
    Error::new(
        ErrorKind::Conflict(Conflict::Stale),
        format!("{verb} a row of `{}`: {reason}", table.name()),
    )
}

/// The row with its changes, as it is stored now: an update reads nothing back.
fn with_changes<S: Model>(mut data: S, changed: &Changes) -> Result<S> {
    for (column, datum) in changed.values() {
        if let Some(Err(mismatch)) = data.assign(column, datum.as_ref()) {
            let table = S::table_spec().name();
            let message = format!("read back the column `{table}.{column}`: {mismatch}");
            return Err(Error::new(ErrorKind::Decode, message));
        }
    }
    Ok(data)
}

pub(super) async fn delete<S: Model>(
    on: Executor<'_>,
    key: Vec<Datum>,
    call: CallSite,
) -> Result<()> {
    let table = S::table_spec();
    call.run(async {
        let target = on
            .target_to_write(&call, &call.route(), Some(table))
            .await?;
        let context = target.context();
        writer::check_key(table, &key, context.features)?;
        let sql = S::statement_cache().text(
            FixedStatement::Delete,
            context.features.dialect,
            context.routed(table),
            || writer::delete_by_key(table, &context),
        )?;
        let statement = context.statement(table, sql, context.with_tenant(table, key)?);
        let outcome = target.acquire().await?.execute(statement).await?;
        if outcome.rows_affected == 0 {
            Err(stale("delete", table))
        } else {
            Ok(())
        }
    })
    .await
}
