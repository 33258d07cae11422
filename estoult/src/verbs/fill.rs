//! Columns that a write sets by itself (defaults, times, the tenant), and columns that it requires.

use std::time::SystemTime;

use crate::{
    error::{Error, FieldError, Result},
    table::{Changes, ColumnSpec, DefaultValue, Table},
    value::{Datum, Kind, random_uuid, temporal, time_ordered_uuid},
    writer::SqlContext,
};

/// Sets the tenant column to the tenant of the handle; refuses the row of another tenant.
pub(super) fn set_tenant(
    table: &Table,
    changes: &mut Changes,
    context: &SqlContext<'_>,
) -> Result<()> {
    let Some((column, tenant)) = context.restriction(table)? else {
        return Ok(());
    };
    match changes.get(&column.name) {
        Some(given) if *given != tenant => Err(other_tenant(column)),
        Some(_) => Ok(()),
        None => {
            changes.put(column.name.clone(), tenant);
            Ok(())
        }
    }
}

/// Refuses to move a row to another tenant.
pub(super) fn forbid_tenant_change<'c>(
    table: &Table,
    mut changed: impl Iterator<Item = &'c str>,
) -> Result<()> {
    match table.tenant() {
        Some(column) if changed.any(|name| name == column.name) => Err(other_tenant(column)),
        _ => Ok(()),
    }
}

/// The error for a write to the rows of another tenant.
pub(super) fn other_tenant(column: &ColumnSpec) -> Error {
    let message = "says whose row it is, and can't be another tenant's than the handle's";
    Error::invalid(vec![FieldError::new(
        column.name.clone(),
        "tenant",
        message,
    )])
}

/// Whether the program computes the value of a column.
pub(super) fn has_defaults(table: &Table) -> bool {
    table.columns().iter().any(|column| match column.default {
        DefaultValue::Value(_)
        | DefaultValue::UuidV4
        | DefaultValue::UuidV7
        | DefaultValue::CreatedAt
        | DefaultValue::UpdatedAt => true,
        DefaultValue::None
        | DefaultValue::Generated
        | DefaultValue::Sql(_)
        | DefaultValue::Tenant => false,
    })
}

/// Sets the columns whose value the program computes, unless they are set.
pub(super) fn fill_defaults(table: &Table, changes: &mut Changes) {
    for column in table.columns() {
        let compute: fn(&ColumnSpec) -> Datum = match column.default {
            DefaultValue::Value(value) => {
                put_if_unset(changes, column, value);
                continue;
            }
            DefaultValue::UuidV4 => |_| random_uuid(),
            DefaultValue::UuidV7 => |_| time_ordered_uuid(),
            DefaultValue::CreatedAt | DefaultValue::UpdatedAt => |column| now(column.kind),
            // The database computes these; `set_tenant` adds the tenant once the target is known.
            DefaultValue::None
            | DefaultValue::Generated
            | DefaultValue::Sql(_)
            | DefaultValue::Tenant => continue,
        };
        put_if_unset(changes, column, || compute(column));
    }
}

fn put_if_unset(changes: &mut Changes, column: &ColumnSpec, value: impl FnOnce() -> Datum) {
    if changes.get(&column.name).is_none() {
        changes.put(column.name.clone(), value());
    }
}

/// The columns with `updated_at`, each with the current time.
pub(super) fn update_times<'t>(
    table: &'t Table,
) -> impl Iterator<Item = (&'t ColumnSpec, Datum)> + use<'t> {
    let columns = table.columns().iter();
    let updated = columns.filter(|column| matches!(column.default, DefaultValue::UpdatedAt));
    updated.map(|column| (column, now(column.kind)))
}

/// The current time as a value of this kind.
fn now(kind: Kind) -> Datum {
    // A clock that is set before 1970 counts as 1970.
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
    match kind {
        Kind::DateTime => Datum::DateTime(micros),
        Kind::Date => Datum::Date(i32::try_from(micros / temporal::DAY_MICROS).unwrap_or(i32::MAX)),
        // Integer columns store Unix time.
        Kind::Int16 | Kind::Int32 | Kind::Int64 | Kind::UInt64 => Datum::Int(micros / 1_000_000),
        _ => Datum::Timestamp(micros),
    }
}

/// Refuses an insert without columns that need a value, all of them in one error.
pub(super) fn require_columns(table: &Table, changes: &Changes) -> Result<()> {
    let missing = table.columns().iter().filter(|column| {
        !column.is_nullable
            && matches!(column.default, DefaultValue::None)
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
