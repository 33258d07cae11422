//! UPDATE: of one row by its key, and of all rows that the filters match.

use sea_query::{Alias, UpdateStatement};

use super::{SqlContext, Writer};
use crate::{
    backend::Statement,
    error::Result,
    expr::Node,
    statement::{Select, Update, by_key},
    value::Datum,
};

/// The update of one row by its key.
pub(crate) fn update_by_key(
    update: &Update,
    key: Vec<Datum>,
    context: &SqlContext<'_>,
) -> Result<Statement> {
    let table = update.table;
    let mut writer = Writer::new(*context);
    let mut statement = writer.set(update);
    for condition in by_key(table) {
        statement.and_where(writer.expr(&condition));
    }
    let mut statement = writer.finish(&statement)?;
    // WHERE comes after SET, so the values of the key follow those of the assignments.
    statement.values.extend(context.with_tenant(table, key)?);
    Ok(statement)
}

/// The update of all rows that the filters match.
pub(crate) fn update(
    update: &Update,
    rows: &Select,
    context: &SqlContext<'_>,
) -> Result<Statement> {
    rows.only_filters("update")?;
    let table = update.table;
    let mut writer = Writer::new(context.of(&rows.route, table));
    let mut statement = writer.set(update);
    if let Some(restriction) = writer.tenant(table) {
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
                    self.value(datum.clone(), &column)
                }
                node => self.expr(node),
            };
            statement.value(Alias::new(&*spec.name), value);
        }
        statement
    }
}
