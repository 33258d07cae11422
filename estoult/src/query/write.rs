//! The text of updates and deletes, by key and by filter.

use std::sync::Arc;

use sea_query::{Alias, DeleteStatement, Query as Sql, UpdateStatement};

use crate::{
    backend::{Features, Statement},
    error::{Error, Result},
    expr::Node,
    query::{Renderer, Select, Site, refusal::check_datum, render::quoted},
    schema::Table,
    value::{Datum, Kind},
};

/// The condition that finds one row by its key, and by its tenant where it has one, with placeholders from `first` on.
fn by_key(table: &'static Table, features: &Features, first: usize) -> String {
    let terms: Vec<_> = table
        .key()
        .chain(table.tenant())
        .enumerate()
        .map(|(index, column)| {
            let name = quoted(&column.name, features);
            let mark = features.mark(first + index);
            match column.kind {
                Kind::Enum(kind) if features.native_enum => {
                    format!("{name} = CAST({mark} AS {})", quoted(kind.name, features))
                }
                Kind::Decimal if features.text_decimal => {
                    format!("{name} COLLATE estoult_decimal = {mark}")
                }
                _ => format!("{name} = {mark}"),
            }
        })
        .collect();
    terms.join(" AND ")
}

/// The select of one row by its key.
pub(crate) fn select_by_key(table: &'static Table, site: &Site<'_>) -> Arc<str> {
    let features = site.features;
    let columns: Vec<_> = table
        .column_names()
        .iter()
        .map(|column| quoted(column, features))
        .collect();
    Arc::from(format!(
        "SELECT {} FROM {} WHERE {}",
        columns.join(", "),
        site.table(table),
        by_key(table, features, 1)
    ))
}

/// The delete of one row by its key.
pub(crate) fn delete_by_key(table: &'static Table, site: &Site<'_>) -> Arc<str> {
    let (target, condition) = (site.table(table), by_key(table, site.features, 1));
    Arc::from(format!("DELETE FROM {target} WHERE {condition}"))
}

/// The update of some columns of one row by its key.
pub(crate) fn update_by_key(
    table: &'static Table,
    changes: Vec<(String, Datum)>,
    key: Vec<Datum>,
    site: &Site<'_>,
) -> Result<Statement> {
    let features = site.features;
    let mut sets = Vec::with_capacity(changes.len());
    let mut values = Vec::with_capacity(changes.len() + key.len());
    for (column, datum) in changes {
        check_datum(&datum, table, &column, features)?;
        let name = quoted(&column, features);
        let mark = features.mark(values.len() + 1);
        sets.push(match table.find(&column).map(|column| column.kind) {
            Some(Kind::Enum(kind)) if features.native_enum => {
                format!("{name} = CAST({mark} AS {})", quoted(kind.name, features))
            }
            _ => format!("{name} = {mark}"),
        });
        values.push(datum);
    }
    let condition = by_key(table, features, values.len() + 1);
    values.extend(site.limit_key(table, key)?);
    let target = site.table(table);
    let text = format!("UPDATE {target} SET {} WHERE {condition}", sets.join(", "));
    Ok(site.statement(table, text, values))
}

/// What only reads can have is refused for writes, instead of being left out without a word.
fn only_filters(select: &Select, verb: &str) -> Result<()> {
    if !select.has_more_than_filters() {
        return Ok(());
    }
    Err(Error::unsupported(format!(
        "{verb} the rows of `{}` that a query finds: it may have filters only; \
         leave out order, limit, offset, distinct and groups, or filter by a list of keys",
        select.table.name()
    )))
}

/// The update of all rows that the filters accept.
pub(crate) fn update_where(
    select: &Select,
    changes: &[(String, Node)],
    site: &Site<'_>,
) -> Result<Statement> {
    only_filters(select, "update")?;
    let mut renderer = Renderer::new(site.of(&select.route, select.table));
    let mut update = UpdateStatement::new();
    update.table(renderer.table(select.table));
    for (column, node) in changes {
        let value = match node {
            Node::Value(datum) => renderer.value(datum.clone(), column),
            node => renderer.expr(node),
        };
        update.value(Alias::new(column.as_str()), value);
    }
    if let Some(limit) = renderer.tenant(select.table) {
        update.and_where(limit);
    }
    for filter in &select.filters {
        update.and_where(renderer.expr(filter));
    }
    renderer.finish(&update)
}

/// The delete of all rows that the filters accept.
pub(crate) fn delete_where(select: &Select, site: &Site<'_>) -> Result<Statement> {
    only_filters(select, "delete")?;
    let mut renderer = Renderer::new(site.of(&select.route, select.table));
    let mut delete: DeleteStatement = Sql::delete();
    delete.from_table(renderer.table(select.table));
    if let Some(limit) = renderer.tenant(select.table) {
        delete.and_where(limit);
    }
    for filter in &select.filters {
        delete.and_where(renderer.expr(filter));
    }
    renderer.finish(&delete)
}

/// The statement that finds a row by one column.
pub(crate) fn row_exists(
    table: &'static Table,
    column: &str,
    value: Datum,
    site: &Site<'_>,
) -> Result<Statement> {
    let mut text = format!(
        "SELECT 1 FROM {} WHERE {} = {}",
        site.table(table),
        quoted(column, site.features),
        site.features.mark(1)
    );
    let mut values = vec![value];
    if let Some((column, tenant)) = site.limit(table)? {
        let name = quoted(&column.name, site.features);
        text.push_str(&format!(" AND {name} = {}", site.features.mark(2)));
        values.push(tenant);
    }
    Ok(site.statement(table, text, values))
}
