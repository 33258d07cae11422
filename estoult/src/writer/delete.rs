//! DELETE: of one row by its key, and of all rows that the filters match.

use std::sync::Arc;

use sea_query::DeleteStatement;

use super::{SqlContext, Writer, Written, text_cache, text_key::TextKey};
use crate::{
    backend::Statement,
    error::Result,
    statement::{Select, by_key},
    table::Table,
};

/// The delete of one row by its key; key and tenant are bound at execution.
pub(crate) fn delete_by_key(table: &'static Table, context: &SqlContext<'_>) -> Result<Arc<str>> {
    let mut writer = Writer::new(*context);
    let mut statement = DeleteStatement::new();
    statement.from_table(writer.table(table));
    for condition in by_key(table) {
        statement.and_where(writer.expr(&condition));
    }
    writer.finish_text(&statement)
}

/// The delete of all rows that the filters match.
pub(crate) fn delete(rows: &Select, context: &SqlContext<'_>) -> Result<Statement> {
    rows.only_filters("delete")?;
    let context = context.of(&rows.route, rows.table());
    let key = TextKey::of_delete(rows, context);
    text_cache::statement(key, || write_delete(rows, context))
}

pub(super) fn write_delete(rows: &Select, context: SqlContext<'_>) -> Result<Written> {
    let table = rows.table();
    let mut writer = Writer::new(context);
    let mut statement = DeleteStatement::new();
    statement.from_table(writer.table(table));
    if let Some(restriction) = writer.tenant(table) {
        statement.and_where(restriction);
    }
    for filter in &rows.filters {
        statement.and_where(writer.expr(filter));
    }
    writer.finish(&statement)
}
