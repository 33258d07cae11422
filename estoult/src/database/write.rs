//! How writes run: changeset, statement, row; a broken constraint becomes the error of its field.
//!
//! Invariant: no SQL text here, and no database is named.

use std::{borrow::Cow, time::SystemTime};

use crate::{
    backend::Statement,
    changeset::{Changes, Changeset, FieldError, New, Rule, field_error},
    database::{Executor, Held, read, transaction::TransactionOptions},
    error::{Conflict, ConstraintKind, Error, ErrorKind, Result},
    expr::Node,
    query::{
        self, Call, Route, Select, Site, Sql, bulk_size, check_key, check_values, delete_by_key,
        delete_where, insert_rows, update_by_key, update_where,
    },
    row::FromRow,
    schema::{Cardinality, ColumnName, ColumnSpec, Default, Schema, Shape, Table},
    value::{Datum, Kind, random_uuid, time_ordered_uuid},
};

pub(crate) async fn insert_new<S: Schema>(on: Executor<'_>, row: New<S>, call: Call) -> Result<S> {
    let (mut changes, is_plain) = row.into_changes();
    fill_defaults(S::table(), &mut changes);
    let inserted = async {
        let table = Some(S::table());
        let mut held = on.lease_to_write(&call, &call.route(), table).await?;
        put_tenant(S::table(), &mut changes, &held.site())?;
        insert_row::<S>(&mut held, changes, is_plain).await
    };
    inserted.await.map_err(|error| error.at(call.origin))
}

pub(crate) async fn insert<S: Schema>(
    on: Executor<'_>,
    changeset: Changeset<S>,
    call: Call,
) -> Result<S> {
    let table = S::table();
    let inserted = async {
        changeset.check()?;
        let mut changes = changeset.changes;
        fill_defaults(table, &mut changes);
        require_all(table, &changes)?;
        let mut held = on.lease_to_write(&call, &call.route(), Some(table)).await?;
        put_tenant(table, &mut changes, &held.site())?;
        let row = insert_row::<S>(&mut held, changes.clone(), false).await;
        match row {
            Ok(row) => Ok(row),
            Err(error) => {
                Err(as_field_error(error, &changeset.rules, table, &changes, &mut held).await)
            }
        }
    };
    inserted.await.map_err(|error| error.at(call.origin))
}

/// Inserts one row and reads it back: in the same statement where the database can.
async fn insert_row<S: Schema>(held: &mut Held<'_>, changes: Changes, is_plain: bool) -> Result<S> {
    let (site, table) = (held.site(), S::table());
    let features = site.features;
    let (columns, values): (Vec<Cow<'static, str>>, Vec<Datum>) =
        changes.into_values().into_iter().unzip();
    let names: Vec<&str> = columns.iter().map(|column| &**column).collect();
    check_values(table, &names, &values, features)?;
    let build = || query::insert(table, &names, &site);
    let sql = match is_plain {
        true => S::shapes().text(Shape::Insert, &site, table, build)?,
        false => build()?,
    };
    let given_key = table.key().map(|key| {
        let place = names.iter().position(|name| *name == key.name)?;
        values.get(place).cloned()
    });
    let given_key: Vec<Option<Datum>> = if features.insert_returning {
        Vec::new()
    } else {
        given_key.collect()
    };
    let statement = site.statement(table, sql, values);
    if features.insert_returning {
        let rows = held.rows(statement, S::from_row, table.name()).await?;
        return read::only(rows, "the inserted row");
    }
    let outcome = held.execute(statement).await?;
    let generated = outcome.last_insert_id.map(Datum::Int);
    let key: Option<Vec<Datum>> = given_key
        .into_iter()
        .map(|part| part.or_else(|| generated.clone()))
        .collect();
    let rows = read::by_key::<S>(held, key.unwrap_or_default()).await?;
    read::only(rows, "the inserted row")
}

/// Puts the tenant that the row is inserted for; another one's is refused.
fn put_tenant(table: &Table, changes: &mut Changes, site: &Site<'_>) -> Result<()> {
    let Some((column, tenant)) = site.limit(table)? else {
        return Ok(());
    };
    match changes.get(&column.name) {
        Some(given) if *given != tenant => Err(of_another_tenant(column)),
        Some(_) => Ok(()),
        None => {
            changes.put(column.name.clone(), tenant);
            Ok(())
        }
    }
}

/// Refuses a change of whose row it is.
fn keep_tenant<'c>(table: &Table, mut changed: impl Iterator<Item = &'c str>) -> Result<()> {
    match table.tenant() {
        Some(column) if changed.any(|name| name == column.name) => Err(of_another_tenant(column)),
        _ => Ok(()),
    }
}

fn of_another_tenant(column: &ColumnSpec) -> Error {
    let message = "says whose row it is, and can't be another tenant's than the handle's";
    Error::invalid(vec![FieldError::new(
        column.name.clone(),
        "tenant",
        message,
    )])
}

/// Puts what the program gives to columns that are not set.
fn fill_defaults(table: &Table, changes: &mut Changes) {
    for column in table.columns() {
        if matches!(
            column.default,
            Default::None | Default::Generated | Default::Sql(_) | Default::Tenant
        ) || changes.get(&column.name).is_some()
        {
            continue;
        }
        let datum = match column.default {
            Default::Value(value) => value(),
            Default::UuidV4 => random_uuid(),
            Default::UuidV7 => time_ordered_uuid(),
            Default::CreatedAt | Default::UpdatedAt => now(column.kind),
            Default::None | Default::Generated | Default::Sql(_) | Default::Tenant => continue,
        };
        changes.put(column.name.clone(), datum);
    }
}

/// The present time as a column of this kind holds it.
fn now(kind: Kind) -> Datum {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
    match kind {
        Kind::DateTime => Datum::DateTime(micros),
        Kind::Date => Datum::Date(
            i32::try_from(micros / crate::value::temporal::DAY_MICROS).unwrap_or(i32::MAX),
        ),
        Kind::Int16 | Kind::Int32 | Kind::Int64 | Kind::UInt64 => Datum::Int(micros / 1_000_000),
        _ => Datum::Timestamp(micros),
    }
}

/// Columns that the database would refuse to leave out, all at once.
fn require_all(table: &Table, changes: &Changes) -> Result<()> {
    let missing = table.columns().iter().filter(|column| {
        !column.is_nullable
            && matches!(column.default, Default::None)
            && changes.get(&column.name).is_none()
    });
    let errors: Vec<_> = missing
        .map(|column| FieldError::new(column.name.clone(), "required", "can't be blank"))
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Error::invalid(errors))
    }
}

/// A broken constraint that the changeset expects becomes its field's error.
async fn as_field_error(
    error: Error,
    rules: &[Rule],
    table: &'static Table,
    changes: &Changes,
    held: &mut Held<'_>,
) -> Error {
    let Some(constraint) = error.constraint() else {
        return error;
    };
    if let Some(field) = field_error(constraint, rules, table) {
        return Error::invalid(vec![field]);
    }
    let is_unnamed = constraint.kind == ConstraintKind::ForeignKey
        && constraint.name.is_none()
        && constraint.columns.is_empty();
    if !is_unnamed {
        return error;
    }
    let expected: Vec<_> = rules
        .iter()
        .filter(|rule| rule.kind == ConstraintKind::ForeignKey)
        .collect();
    match expected.as_slice() {
        [] => error,
        [rule] => Error::invalid(vec![rule.error()]),
        rules => match missing_row(rules, table, changes, held).await {
            Some(rule) => Error::invalid(vec![rule.error()]),
            None => error,
        },
    }
}

/// The rule whose row does not exist, for a database that does not say which of several foreign keys is broken.
async fn missing_row<'r>(
    rules: &[&'r Rule],
    table: &'static Table,
    changes: &Changes,
    held: &mut Held<'_>,
) -> Option<&'r Rule> {
    for rule in rules {
        let column = rule.columns.first()?;
        let Some(association) = table.associations().iter().find(|association| {
            association.cardinality == Cardinality::BelongsTo && association.column == column
        }) else {
            continue;
        };
        let Some(value) = changes.get(column).filter(|value| !value.is_null()) else {
            continue;
        };
        let statement = query::row_exists(
            association.other_table(),
            association.other_column,
            value.clone(),
            &held.site(),
        );
        let statement = statement.ok()?;
        let rows = held.rows(statement, <(i64,)>::from_row, "").await.ok()?;
        if rows.is_empty() {
            return Some(rule);
        }
    }
    None
}

pub(crate) async fn update<S: Schema>(
    on: Executor<'_>,
    changeset: Changeset<S>,
    call: Call,
) -> Result<S> {
    let updated = async {
        changeset.check()?;
        let table = S::table();
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
        keep_tenant(table, changed.columns())?;
        let mut held = on.lease_to_write(&call, &call.route(), Some(table)).await?;
        match update_row(&mut held, &data, &changed).await {
            Ok(()) => with_changes(data, &changed),
            Err(error) => {
                Err(as_field_error(error, &changeset.rules, table, &changed, &mut held).await)
            }
        }
    };
    updated.await.map_err(|error| error.at(call.origin))
}

/// The changes that differ from the row, and the time of the update when there are any.
fn changed<S: Schema>(data: &S, changes: Changes) -> Changes {
    let mut changed = Changes::default();
    for (column, datum) in changes.into_values() {
        if data.datum(&column).as_ref() != Some(&datum) {
            changed.put(column, datum);
        }
    }
    if !changed.is_empty() {
        for column in S::table().columns() {
            if matches!(column.default, Default::UpdatedAt) && changed.get(&column.name).is_none() {
                changed.put(column.name.clone(), now(column.kind));
            }
        }
    }
    changed
}

async fn update_row<S: Schema>(held: &mut Held<'_>, data: &S, changed: &Changes) -> Result<()> {
    let table = S::table();
    let key = crate::schema::Key::into_datums(data.key());
    let values = changed
        .values()
        .iter()
        .map(|(column, datum)| (column.to_string(), datum.clone()));
    let statement = update_by_key(table, values.collect(), key, &held.site())?;
    let outcome = held.execute(statement).await?;
    if outcome.rows_affected == 0 {
        return Err(stale("update", table));
    }
    Ok(())
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

/// The row as it is now: what was written is known, so it is not read again.
fn with_changes<S: Schema>(mut data: S, changed: &Changes) -> Result<S> {
    for (column, datum) in changed.values() {
        if let Some(Err(mismatch)) = data.assign(column, datum.as_ref()) {
            let table = S::table().name();
            let message = format!("read back the column `{table}.{column}`: {mismatch}");
            return Err(Error::new(ErrorKind::Decode, message));
        }
    }
    Ok(data)
}

pub(crate) async fn delete<S: Schema>(on: Executor<'_>, key: Vec<Datum>, call: Call) -> Result<()> {
    let deleted = async {
        let table = S::table();
        let mut held = on.lease_to_write(&call, &call.route(), Some(table)).await?;
        let site = held.site();
        check_key(table, &key, site.features)?;
        let build = || Ok(delete_by_key(table, &site));
        let sql = S::shapes().text(Shape::Delete, &site, table, build)?;
        let statement = site.statement(table, sql, site.limit_key(table, key)?);
        let outcome = held.execute(statement).await?;
        if outcome.rows_affected == 0 {
            Err(stale("delete", table))
        } else {
            Ok(())
        }
    };
    deleted.await.map_err(|error| error.at(call.origin))
}

pub(crate) async fn delete_all(on: Executor<'_>, select: Select, call: Call) -> Result<u64> {
    let (route, table) = (&select.route, Some(select.table));
    run(on, &call, (route, table), |site| {
        delete_where(&select, site)
    })
    .await
}

pub(crate) async fn update_all(
    on: Executor<'_>,
    select: Select,
    changes: Vec<(ColumnName, Node)>,
    call: Call,
) -> Result<u64> {
    let mut changes: Vec<(String, Node)> = changes
        .into_iter()
        .map(|(name, node)| (name.to_string(), node))
        .collect();
    for column in select.table.columns() {
        let is_set = changes.iter().any(|(name, _)| *name == column.name);
        if matches!(column.default, Default::UpdatedAt) && !is_set {
            changes.push((column.name.to_string(), Node::Value(now(column.kind))));
        }
    }
    let (route, table) = (&select.route, Some(select.table));
    run(on, &call, (route, table), |site| {
        keep_tenant(select.table, changes.iter().map(|(name, _)| &**name))?;
        update_where(&select, &changes, site)
    })
    .await
}

pub(crate) async fn raw(on: Executor<'_>, sql: Sql, call: Call) -> Result<u64> {
    run(on, &call, (&sql.route, None), |site| sql.statement(site)).await
}

/// Runs one statement, and tells how many rows it changed.
async fn run(
    on: Executor<'_>,
    call: &Call,
    (route, table): (&Route, Option<&'static Table>),
    build: impl FnOnce(&Site<'_>) -> Result<Statement>,
) -> Result<u64> {
    let done = async {
        let mut held = on.lease_to_write(call, route, table).await?;
        let statement = build(&held.site())?;
        held.execute(statement)
            .await
            .map(|outcome| outcome.rows_affected)
    };
    done.await.map_err(|error| error.at(call.origin))
}

pub(crate) async fn batch(on: Executor<'_>, text: &str, call: Call) -> Result<()> {
    let done = async {
        let mut held = on.lease_to_write(&call, &call.route(), None).await?;
        let (text, schemas) = query::script(text, &held.site())?;
        held.batch(&text, &schemas).await
    };
    done.await.map_err(|error| error.at(call.origin))
}

pub(crate) async fn insert_all(
    on: Executor<'_>,
    table: &'static Table,
    mut rows: Vec<Changes>,
    call: Call,
) -> Result<u64> {
    let inserted = async {
        rows.iter_mut().for_each(|row| fill_defaults(table, row));
        if rows.is_empty() {
            return Ok(0);
        }
        let mut held = on.lease_to_write(&call, &call.route(), Some(table)).await?;
        let site = held.site();
        rows.iter_mut()
            .try_for_each(|row| put_tenant(table, row, &site))?;
        let columns = rows.first().map(Changes::columns);
        let columns: Vec<String> = columns
            .into_iter()
            .flatten()
            .map(ToOwned::to_owned)
            .collect();
        let rows = same_columns(table, &columns, rows)?;
        let size = bulk_size(columns.len(), held.features());
        let needs_transaction = rows.len() > size && !on.is_in_transaction();
        if needs_transaction {
            let begin = TransactionOptions::default().begin_statement(held.features())?;
            held.begin(&begin).await?;
        }
        let affected = insert_chunks(&mut held, table, &columns, rows, size).await;
        if needs_transaction && affected.is_ok() {
            held.commit("commit").await?;
        } else if needs_transaction {
            // Why the rows were refused tells more than a rollback on a connection that is lost.
            let _ = held.roll_back("rollback").await;
        }
        affected
    };
    inserted.await.map_err(|error| error.at(call.origin))
}

async fn insert_chunks(
    held: &mut Held<'_>,
    table: &'static Table,
    columns: &[String],
    rows: Vec<Vec<Datum>>,
    size: usize,
) -> Result<u64> {
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut affected = 0;
    let mut rows = rows.into_iter();
    loop {
        let chunk: Vec<_> = rows.by_ref().take(size).collect();
        if chunk.is_empty() {
            return Ok(affected);
        }
        let statement = insert_rows(table, &names, chunk, &held.site())?;
        affected += held.execute(statement).await?.rows_affected;
    }
}

/// The rows' values in the order of the columns; every row sets the same ones, in whatever order.
fn same_columns(table: &Table, columns: &[String], rows: Vec<Changes>) -> Result<Vec<Vec<Datum>>> {
    let mut ordered = Vec::with_capacity(rows.len());
    for (index, row) in rows.into_iter().enumerate() {
        let values = row.values();
        let is_in_order = values.len() == columns.len()
            && values
                .iter()
                .zip(columns)
                .all(|((name, _), column)| *name == *column);
        if is_in_order {
            let values = row.into_values().into_iter();
            ordered.push(values.map(|(_, datum)| datum).collect());
            continue;
        }
        let sorted: Option<Vec<Datum>> =
            columns.iter().map(|name| row.get(name).cloned()).collect();
        match sorted {
            Some(sorted) if values.len() == columns.len() => ordered.push(sorted),
            _ => {
                return Err(Error::configuration(format!(
                    "insert several rows into `{}`: row {} sets other columns than the first one; set the same in all",
                    table.name(),
                    index + 1
                )));
            }
        }
    }
    Ok(ordered)
}
