//! UPDATE: of one row by its key, and of all rows that the filters match.

use std::sync::Arc;

use sea_query::{Alias, UpdateStatement};

use super::{SqlContext, Writer, Written, origin::Origin, text_cache, text_key::TextKey};
use crate::{
    backend::Statement,
    error::Result,
    expr::Node,
    statement::{Select, Update, by_key},
    table::{ColumnSpec, Table},
};

/// The update of these columns of one row by its key, as text: values, key and tenant are bound in this order.
pub(crate) fn update_by_key(
    table: &'static Table,
    columns: &[&'static ColumnSpec],
    context: &SqlContext<'_>,
) -> Result<Arc<str>> {
    let mut writer = Writer::new(*context);
    let mut statement = UpdateStatement::new();
    statement.table(writer.table(table));
    for spec in columns {
        statement.value(Alias::new(&*spec.name), writer.parameter(spec.kind));
    }
    for condition in by_key(table) {
        statement.and_where(writer.expr(&condition));
    }
    writer.finish_text(&statement)
}

/// The update of all rows that the filters match.
pub(crate) fn update(
    update: &Update,
    rows: &Select,
    context: &SqlContext<'_>,
) -> Result<Statement> {
    rows.only_filters("update")?;
    let context = context.of(&rows.route, update.table);
    let key = TextKey::of_update(update, rows, context);
    text_cache::statement(key, || write_update(update, rows, context))
}

pub(super) fn write_update(
    update: &Update,
    rows: &Select,
    context: SqlContext<'_>,
) -> Result<Written> {
    let mut writer = Writer::new(context);
    let mut statement = writer.set(update);
    if let Some(restriction) = writer.tenant(update.table) {
        statement.and_where(restriction);
    }
    for filter in &rows.filters {
        statement.and_where(writer.expr(filter));
    }
    writer.finish(&statement)
}

impl Writer<'_> {
    /// `update table set …`.
    fn set(&mut self, update: &Update) -> UpdateStatement {
        let mut statement = UpdateStatement::new();
        statement.table(self.table(update.table));
        for (spec, node) in &update.assignments {
            let value = match node {
                // The message about a refused value names the column that is set.
                Node::Value(datum) => {
                    let column = format!("{}.{}", update.table.name(), spec.name);
                    self.value(datum.clone(), Origin::value(datum), &column)
                }
                node => self.expr(node),
            };
            statement.value(Alias::new(&*spec.name), value);
        }
        statement
    }
}
