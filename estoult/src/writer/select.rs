//! SELECT: of rows, of their number, of their existence, and by key.

use std::sync::Arc;

use sea_query::{
    Alias, ExprTrait, Func, NullOrdering, Order as SqlOrder, OrderedStatement, OverStatement,
    SelectStatement, WindowStatement,
};

use super::{
    Output, SqlContext, Writer, Written, input::bound_rows, origin::Origin, text_cache,
    text_key::TextKey,
};
use crate::{
    backend::Statement,
    error::Result,
    expr::{ColumnRef, Comparison, Node, Nulls, OrderNode},
    sql::Dialect,
    statement::{Select, Source, by_key},
    table::Table,
    value::Datum,
};

/// The statement that reads the rows.
pub(crate) fn select(select: &Select, context: &SqlContext<'_>) -> Result<Statement> {
    let context = context.of(&select.route, select.table());
    let key = TextKey::of_select(select, context);
    text_cache::statement(key, || write_select(select, context))
}

pub(super) fn write_select(select: &Select, context: SqlContext<'_>) -> Result<Written> {
    let mut writer = Writer::new(context);
    let statement = writer.select(select);
    writer.finish(&statement)
}

/// The statement that reads the rows, rendered without a database.
pub(crate) fn without_database(select: &Select, dialect: Dialect) -> Result<Statement> {
    let context = SqlContext::without_database(dialect, &select.route, select.table());
    context.check()?;
    self::select(select, &context)
}

/// The statement that counts the rows.
pub(crate) fn count(select: Select, context: &SqlContext<'_>) -> Result<Statement> {
    self::select(&select.counting(), context)
}

/// The statement that returns a row if there is one.
pub(crate) fn exists(select: Select, context: &SqlContext<'_>) -> Result<Statement> {
    self::select(&select.at_most_one(), context)
}

/// The statement that reads one row by its key; key and tenant are bound at execution.
pub(crate) fn select_by_key(table: &'static Table, context: &SqlContext<'_>) -> Result<Arc<str>> {
    let mut writer = Writer::new(*context);
    let mut select = SelectStatement::new();
    select
        .columns(table.column_names().iter().map(|name| Alias::new(*name)))
        .from(writer.table(table));
    for condition in by_key(table) {
        select.and_where(writer.expr(&condition));
    }
    writer.finish_text(&select)
}

/// The statement that returns a row if one has this value.
pub(crate) fn row_exists(
    column: ColumnRef,
    value: Datum,
    context: &SqlContext<'_>,
) -> Result<Statement> {
    let mut select = Select::of(column.table);
    let kind = column.spec.kind;
    select.columns.push(Node::Value(Datum::Int(1)));
    select.filters.push(Node::Compare(
        Comparison::Equal,
        kind,
        Box::new(Node::Column(column)),
        Box::new(Node::Value(value)),
    ));
    self::select(&select, context)
}

impl Writer<'_> {
    fn select(&mut self, select: &Select) -> SelectStatement {
        let mut statement = SelectStatement::new();
        self.columns(select, &mut statement);
        self.source(select, &mut statement);
        for filter in &select.filters {
            statement.and_where(self.expr(filter));
        }
        for group in &select.group_by {
            statement.add_group_by([self.distinct_form(group).0]);
        }
        for having in &select.having {
            statement.and_having(self.expr(having));
        }
        self.groups(select, &mut statement);
        for term in &select.order {
            self.order(&mut statement, term);
        }
        self.limit(select, &mut statement);
        statement
    }

    fn columns(&mut self, select: &Select, statement: &mut SelectStatement) {
        if select.columns.is_empty() {
            let table = select.table();
            for spec in table.columns() {
                let column = Node::Column(ColumnRef { table, spec });
                self.selected(select, statement, &column);
            }
        }
        for node in &select.columns {
            self.selected(select, statement, node);
        }
        if select.is_distinct {
            statement.distinct();
        }
    }

    fn selected(&mut self, select: &Select, statement: &mut SelectStatement, node: &Node) {
        match node {
            Node::Aliased(node, name) => match &**node {
                Node::RowNumber(partition, order) => {
                    let mut window = WindowStatement::new();
                    window.add_partition_by(self.expr(partition));
                    for term in order {
                        self.order(&mut window, term);
                    }
                    let number = Func::cust(Alias::new("ROW_NUMBER"));
                    statement.expr_window_as(number, window, Alias::new(*name));
                }
                node => {
                    statement.expr_as(self.expr(node), Alias::new(*name));
                }
            },
            node if select.is_distinct => self.selected_distinct(statement, node),
            node => {
                statement.expr(self.expr(node));
            }
        }
    }

    /// DISTINCT compares the collated form, so it is selected and aliased back to the column.
    fn selected_distinct(&mut self, statement: &mut SelectStatement, node: &Node) {
        match (self.distinct_form(node), node) {
            ((expr, true), Node::Column(column)) => {
                statement.expr_as(expr, Alias::new(&*column.spec.name));
            }
            ((expr, _), _) => {
                statement.expr(expr);
            }
        }
    }

    fn source(&mut self, select: &Select, statement: &mut SelectStatement) {
        match &select.source {
            Source::Table(table) => {
                statement.from(self.table(table));
                // The innermost query restricts the rows; those around it only see what it returns.
                if let Some(restriction) = self.tenant(table) {
                    statement.and_where(restriction);
                }
            }
            Source::Query(inner, name) => {
                let inner = self.select(inner);
                statement.from_subquery(inner, Alias::new(*name));
            }
        }
    }

    /// Orders the groups first, where an index on what they are grouped by then spares the sort. The direction of the
    /// first term lets one scan of the index give both.
    fn groups(&mut self, select: &Select, statement: &mut SelectStatement) {
        let (Some(group), Some(first)) = (&select.groups, select.order.first()) else {
            return;
        };
        if self.features.orders_groups {
            let direction = if first.is_descending {
                SqlOrder::Desc
            } else {
                SqlOrder::Asc
            };
            // Compared as `in` has compared it with the keys: all rows of a group are then equal.
            statement.order_by_expr(self.distinct_form(group).0, direction);
        }
    }

    /// One term of ORDER BY, of a statement or of a window.
    fn order(&mut self, statement: &mut impl OrderedStatement, term: &OrderNode) {
        let direction = if term.is_descending {
            SqlOrder::Desc
        } else {
            SqlOrder::Asc
        };
        let node = self.collated(&term.node, term.kind);
        match (term.nulls, self.features.nulls_order) {
            (Nulls::Default, _) => {
                statement.order_by_expr(node, direction);
            }
            (Nulls::First, true) => {
                statement.order_by_expr_with_nulls(node, direction, NullOrdering::First);
            }
            (Nulls::Last, true) => {
                statement.order_by_expr_with_nulls(node, direction, NullOrdering::Last);
            }
            // MySQL has no NULLS FIRST: `is null`, which is 1 for NULL and 0 for values, is the first key instead.
            (Nulls::First, false) => {
                statement.order_by_expr(self.expr(&term.node).is_null(), SqlOrder::Desc);
                statement.order_by_expr(node, direction);
            }
            (Nulls::Last, false) => {
                statement.order_by_expr(self.expr(&term.node).is_null(), SqlOrder::Asc);
                statement.order_by_expr(node, direction);
            }
        }
    }

    fn limit(&mut self, select: &Select, statement: &mut SelectStatement) {
        match &select.limit {
            Some(rows) => {
                statement.limit(self.rows(rows));
            }
            None if select.offset.is_some() && self.features.offset_needs_limit => {
                // SQLite and MySQL have no OFFSET without LIMIT (manuals, "SELECT").
                statement.limit(Output::UNLIMITED);
            }
            None => {}
        }
        if let Some(rows) = &select.offset {
            statement.offset(self.rows(rows));
        }
    }

    /// What stands in the tree for a number of rows: the index of its value where it is bound, or the number itself.
    fn rows(&mut self, rows: &u64) -> u64 {
        let number = bound_rows(*rows);
        if !self.features.bound_limit {
            return number.unsigned_abs();
        }
        match self.store(Datum::Int(number), Origin::rows(rows)) {
            Some(index) => u64::from(index),
            None => 0,
        }
    }
}
