//! [`Select`]: a query as a tree, with one field per clause.
//!
//! Invariant: no SQL text here; queries over queries are trees, too.

use crate::{
    expr::{Comparison, Node, Nulls, OrderNode},
    statement::route::Route,
    table::{ColumnName, Table},
    value::{Datum, Kind},
};

/// The clauses of a query.
#[derive(Debug, Clone)]
pub(crate) struct Select {
    pub(crate) source: Source,
    /// The expressions to read; empty for all columns of the table.
    pub(crate) columns: Vec<Node>,
    pub(crate) is_distinct: bool,
    pub(crate) filters: Vec<Node>,
    pub(crate) group_by: Vec<Node>,
    pub(crate) having: Vec<Node>,
    /// What the rows are grouped by after they were read: the order counts within each group alone, and a database
    /// may give the groups one after the other.
    pub(crate) groups: Option<Node>,
    pub(crate) order: Vec<OrderNode>,
    pub(crate) limit: Option<u64>,
    pub(crate) offset: Option<u64>,
    pub(crate) route: Route,
}

/// What a query reads from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Table(&'static Table),
    /// The rows of another query, under this name.
    Query(Box<Select>, &'static str),
}

impl Select {
    pub(crate) fn of(table: &'static Table) -> Self {
        Self::from_source(Source::Table(table), Route::here())
    }

    fn from_source(source: Source, route: Route) -> Self {
        Self {
            source,
            columns: Vec::new(),
            is_distinct: false,
            filters: Vec::new(),
            group_by: Vec::new(),
            having: Vec::new(),
            groups: None,
            order: Vec::new(),
            limit: None,
            offset: None,
            route,
        }
    }

    /// A query over the rows of this one, as a subquery with this alias.
    fn into_subquery(self, name: &'static str) -> Self {
        let route = self.route.clone();
        Self::from_source(Source::Query(Box::new(self), name), route)
    }

    /// The table that the rows come from in the end.
    pub(crate) fn table(&self) -> &'static Table {
        match &self.source {
            Source::Table(table) => table,
            Source::Query(inner, _) => inner.table(),
        }
    }

    /// Whether it has clauses besides filters, which UPDATE and DELETE don't have.
    pub(crate) fn has_more_than_filters(&self) -> bool {
        self.is_distinct
            || self.limit.is_some()
            || self.offset.is_some()
            || !self.order.is_empty()
            || !self.group_by.is_empty()
            || !self.having.is_empty()
    }

    /// The query that counts its rows.
    pub(crate) fn counting(self) -> Self {
        let mut counting = self;
        // The order of the rows does not change their number, and PostgreSQL refuses it beside an aggregate.
        counting.order.clear();
        // `count(*)` beside these clauses would count groups, or rows before the limit: they move into a subquery.
        if counting.has_more_than_filters() {
            if counting.columns.is_empty() && !counting.is_distinct {
                // The outer query counts rows and reads no column of theirs.
                counting.columns.push(Node::Value(Datum::Int(1)));
            }
            counting = counting.into_subquery("counted");
        }
        counting.columns = vec![Node::CountRows];
        counting
    }

    /// The query that reads one row if there is any; its columns don't matter.
    pub(crate) fn at_most_one(self) -> Self {
        let mut one = self;
        one.order.clear();
        if one.limit.is_none() {
            one.limit = Some(1);
        }
        if one.columns.is_empty() {
            one.columns.push(Node::Value(Datum::Int(1)));
        }
        one
    }

    /// The query for at most `limit` rows per value of a node: a subquery numbers the rows of each value.
    pub(crate) fn limit_per_group(mut self, partition: Node, limit: u64) -> Self {
        const ROW_NUMBER: &str = "estoult_row";
        let table = self.table();
        let names = table.column_names();
        // The window numbers the rows in this order, and the outer query sorts by the number.
        let order = std::mem::take(&mut self.order);
        self.columns = names
            .iter()
            .map(|name| Node::column(table, ColumnName::of(name)))
            .collect();
        let number = Node::RowNumber(Box::new(partition), order);
        self.columns
            .push(Node::Aliased(Box::new(number), ROW_NUMBER));
        let mut limited = self.into_subquery("numbered");
        limited.columns = names
            .iter()
            .map(|name| Node::SubqueryColumn(name))
            .collect();
        limited.filters.push(Node::Compare(
            Comparison::LessOrEqual,
            Kind::Int64,
            Box::new(Node::SubqueryColumn(ROW_NUMBER)),
            Box::new(Node::Value(Datum::Int(
                i64::try_from(limit).unwrap_or(i64::MAX),
            ))),
        ));
        limited.order.push(OrderNode {
            node: Node::SubqueryColumn(ROW_NUMBER),
            kind: Kind::Int64,
            is_descending: false,
            nulls: Nulls::Default,
        });
        limited
    }
}
