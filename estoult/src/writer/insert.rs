//! INSERT: of one row, and of many at once.

use std::sync::Arc;

use sea_query::{Alias, InsertStatement};

use super::{
    SqlContext, Writer,
    limits::check_datum,
    plain::{self, quoted},
};
use crate::{
    backend::{BulkStyle, CopyTarget, Features, Statement},
    error::{Error, Result},
    statement::Insert,
    value::{Datum, Kind},
};

/// The maximum number of rows of one insert; full chunks of one size share a prepared text.
const MAX_ROWS: usize = 1000;

/// The insert of one row, whose values are bound in the order of the columns. It returns the row where it can.
pub(crate) fn insert(insert: &Insert, context: &SqlContext<'_>) -> Result<Arc<str>> {
    let mut writer = Writer::new(*context);
    let mut statement = writer.insert_into(insert);
    if insert.columns.is_empty() {
        // sea-query writes `default values`, or `() values ()` for MySQL, which lacks the former.
        statement.or_default_values();
    } else {
        let values = insert
            .columns
            .iter()
            .map(|spec| writer.parameter(spec.kind));
        let values: Vec<_> = values.collect();
        statement
            .values(values)
            .map_err(|error| Error::internal(format!("write an insert: {error}")))?;
    }
    let text = writer.finish_text(&statement)?;
    if !context.features.insert_returning {
        return Ok(text);
    }
    let returning = plain::returning(context.features, insert.table.column_names());
    Ok(Arc::from([&*text, &returning].concat()))
}

/// How many rows with this number of columns fit in one statement.
pub(crate) fn bulk_size(columns: usize, features: &Features) -> usize {
    match features.bulk {
        // One parameter per column, whatever the number of rows; the bound limits the size of one message.
        BulkStyle::Unnest => MAX_ROWS * 10,
        BulkStyle::Rows => (features.max_parameters / columns.max(1)).clamp(1, MAX_ROWS),
    }
}

/// Refuses rows that can't be written, before a connection is acquired or a transaction begun for them.
pub(crate) fn check_rows(
    insert: &Insert,
    values: &[Datum],
    context: &SqlContext<'_>,
) -> Result<()> {
    let (table, columns) = (insert.table, &insert.columns);
    if columns.is_empty() {
        return Err(Error::unsupported(format!(
            "insert several rows into `{}`: they have no column to give; insert them one by one",
            table.name()
        )));
    }
    for (spec, datum) in columns.iter().cycle().zip(values) {
        check_datum(datum, table, &spec.name, context.features)?;
    }
    Ok(())
}

/// The insert of several rows that [`check_rows`] has accepted; their values one row after the other.
pub(crate) fn insert_rows(
    insert: &Insert,
    values: Vec<Datum>,
    context: &SqlContext<'_>,
) -> Result<Statement> {
    let features = context.features;
    let mut writer = Writer::new(*context);
    // sea-query writes the head only; see `plain::rows` and `plain::unnest` for the rows.
    let head = writer.insert_into(insert);
    let mut statement = writer.finish(&head)?.statement;
    let source = match features.bulk {
        BulkStyle::Unnest => {
            let casts: Vec<_> = insert
                .columns
                .iter()
                .map(|spec| enum_name(spec.kind))
                .collect();
            plain::unnest(features, &casts)
        }
        BulkStyle::Rows => plain::rows(insert.columns.len(), values.len() / insert.columns.len()),
    };
    statement.sql = Arc::from([&*statement.sql, &source].concat());
    statement.values = match features.bulk {
        BulkStyle::Unnest => transposed(insert, values),
        BulkStyle::Rows => values,
    };
    Ok(statement)
}

/// Where the rows of an insert are copied into; `None` for a database without COPY.
pub(crate) fn copy_target(insert: &Insert, context: &SqlContext<'_>) -> Option<CopyTarget> {
    let features = context.features;
    if !features.copies_rows {
        return None;
    }
    let name = quoted(insert.table.name(), features);
    let table = match context.schema(insert.table) {
        Some(schema) => format!("{}.{name}", quoted(schema, features)),
        None => name,
    };
    let columns = insert.columns.iter().map(|spec| spec.name.to_string());
    let columns: Vec<_> = columns.collect();
    let list: Vec<_> = columns.iter().map(|name| quoted(name, features)).collect();
    Some(CopyTarget {
        statement: Arc::from(plain::copy_rows(&table, &list.join(", "))),
        table,
        columns,
    })
}

/// The native enum that the values of a column are cast to, if any.
fn enum_name(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Enum(kind) => Some(kind.name),
        _ => None,
    }
}

/// The values of the rows as one list per column.
fn transposed(insert: &Insert, values: Vec<Datum>) -> Vec<Datum> {
    let width = insert.columns.len();
    let count = values.len() / width;
    let lists = insert.columns.iter().map(|_| Vec::with_capacity(count));
    let mut lists: Vec<Vec<Datum>> = lists.collect();
    let mut values = values.into_iter();
    for _ in 0..count {
        for (list, datum) in lists.iter_mut().zip(values.by_ref().take(width)) {
            list.push(datum);
        }
    }
    let kinds = insert.columns.iter().map(|spec| spec.kind);
    kinds
        .zip(lists)
        .map(|(kind, list)| Datum::List(kind, list))
        .collect()
}

impl Writer<'_> {
    /// `insert into table (columns)`.
    fn insert_into(&mut self, insert: &Insert) -> InsertStatement {
        let mut statement = InsertStatement::new();
        statement.into_table(self.table(insert.table));
        let columns = insert.columns.iter();
        statement.columns(columns.map(|spec| Alias::new(&*spec.name)));
        statement
    }
}
