//! Turns a violated constraint into the error of a field, where a changeset expects it.

use crate::{
    changeset::{Rule, field_error},
    error::{ConstraintKind, Error},
    expr::ColumnRef,
    row::FromRow,
    table::{Cardinality, Changes, Table},
    verbs::target::Checkout,
    writer,
};

/// The error of the field of a violated constraint, if the changeset expects it; otherwise the error itself.
pub(super) async fn as_field_error(
    error: Error,
    rules: &[Rule],
    table: &'static Table,
    changes: &Changes,
    connection: &mut Checkout<'_>,
) -> Error {
    let Some(constraint) = error.constraint() else {
        return error;
    };
    if let Some(field) = field_error(constraint, rules, table) {
        return Error::invalid(vec![field]);
    }
    // SQLite reports neither the name nor the columns of a violated foreign key (result code 787).
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
        // The changeset expects a single foreign key, so the violation is taken for that one.
        [rule] => Error::invalid(vec![rule.error()]),
        rules => match missing_row(rules, table, changes, connection).await {
            Some(rule) => Error::invalid(vec![rule.error()]),
            None => error,
        },
    }
}

/// The rule whose row does not exist, for a database that does not report which of several foreign keys is violated.
async fn missing_row<'r>(
    rules: &[&'r Rule],
    table: &'static Table,
    changes: &Changes,
    connection: &mut Checkout<'_>,
) -> Option<&'r Rule> {
    for rule in rules {
        let column = &rule.field;
        let Some(association) = table.associations().iter().find(|association| {
            association.cardinality == Cardinality::BelongsTo && association.column == column
        }) else {
            continue;
        };
        let Some(value) = changes.get(column).filter(|value| !value.is_null()) else {
            continue;
        };
        let other = association.other_table();
        let spec = other.find(association.other_column)?;
        let key = ColumnRef { table: other, spec };
        // Where the look-up fails, the caller gets the error of the write instead.
        let statement = writer::row_exists(key, value.clone(), &connection.context()).ok()?;
        let rows = connection
            .rows(statement, <(i64,)>::from_row, "")
            .await
            .ok()?;
        if rows.is_empty() {
            return Some(rule);
        }
    }
    None
}
