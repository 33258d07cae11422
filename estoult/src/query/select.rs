//! A query without its types: one slot a clause; and what can be selected instead of whole rows.

use std::fmt;

use sea_query::{Alias, Func, Order as SqlOrder, Query as Sql, SelectStatement};

use crate::{
    backend::{Dialect, Statement},
    error::Result,
    expr::{Expr, Node, Nulls, OrderNode},
    query::{Renderer, Route, Site, render::quoted},
    row::{FromRow, Row},
    schema::{Column, ColumnName, Schema, Selected, Table},
    value::Value,
};

/// The clauses of a query.
#[derive(Clone)]
pub(crate) struct Select {
    pub(crate) table: &'static Table,
    /// What is read; empty for all columns of the table.
    pub(crate) columns: Vec<Node>,
    pub(crate) is_distinct: bool,
    pub(crate) filters: Vec<Node>,
    pub(crate) group_by: Vec<Node>,
    pub(crate) having: Vec<Node>,
    pub(crate) order: Vec<OrderNode>,
    pub(crate) limit: Option<u64>,
    pub(crate) offset: Option<u64>,
    /// At most so many rows for each value of the node.
    pub(crate) per_group: Option<(Node, u64)>,
    pub(crate) route: Route,
}

impl fmt::Debug for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_sql(Dialect::Postgres) {
            Ok(statement) => f.write_str(&statement.sql),
            Err(error) => write!(f, "{error}"),
        }
    }
}

impl Select {
    pub(crate) fn of(table: &'static Table) -> Self {
        Self {
            table,
            columns: Vec::new(),
            is_distinct: false,
            filters: Vec::new(),
            group_by: Vec::new(),
            having: Vec::new(),
            order: Vec::new(),
            limit: None,
            offset: None,
            per_group: None,
            route: Route::here(),
        }
    }

    /// Whether it has more than filters, so that it can't say which rows are written.
    pub(crate) fn has_more_than_filters(&self) -> bool {
        self.is_distinct
            || self.limit.is_some()
            || self.offset.is_some()
            || !self.order.is_empty()
            || !self.group_by.is_empty()
            || !self.having.is_empty()
    }

    fn select(&self, renderer: &mut Renderer<'_>) -> SelectStatement {
        let mut select = Sql::select();
        self.add_columns(renderer, &mut select);
        self.add_source(renderer, &mut select);
        for term in &self.order {
            add_order(renderer, &mut select, term);
        }
        select
    }

    fn add_columns(&self, renderer: &mut Renderer<'_>, select: &mut SelectStatement) {
        if self.columns.is_empty() {
            for name in self.table.column_names() {
                let name = ColumnName { prefix: "", name };
                self.add_column(renderer, select, &Node::column(self.table, name));
            }
        }
        for node in &self.columns {
            self.add_column(renderer, select, node);
        }
        if self.is_distinct {
            select.distinct();
        }
    }

    fn add_column(&self, renderer: &mut Renderer<'_>, select: &mut SelectStatement, node: &Node) {
        if !self.is_distinct {
            select.expr(renderer.expr(node));
            return;
        }
        // Rows are told apart by what is read, so that is read as it is told apart, under its own name.
        match (renderer.distinguished(node), node) {
            ((expr, true), Node::Column(_, name)) => {
                select.expr_as(expr, Alias::new(name.to_string()));
            }
            ((expr, _), _) => {
                select.expr(expr);
            }
        }
    }

    fn add_source(&self, renderer: &mut Renderer<'_>, select: &mut SelectStatement) {
        select.from(renderer.table(self.table));
        if let Some(limit) = renderer.tenant(self.table) {
            select.and_where(limit);
        }
        for filter in &self.filters {
            select.and_where(renderer.expr(filter));
        }
        for group in &self.group_by {
            select.add_group_by([renderer.distinguished(group).0]);
        }
        for having in &self.having {
            select.and_having(renderer.expr(having));
        }
    }

    /// The statement that counts the rows.
    pub(crate) fn count(&self, site: &Site<'_>) -> Result<Statement> {
        let mut renderer = Renderer::new(site.of(&self.route, self.table));
        let mut select = Sql::select();
        if self.has_more_than_filters() {
            let mut inner = self.clone();
            inner.order.clear();
            if inner.columns.is_empty() && !inner.is_distinct {
                inner.columns.push(Node::Value(crate::value::Datum::Int(1)));
            }
            // Column names of the inner query don't matter: only its rows are counted.
            let text = inner.statement_with(&mut renderer)?;
            return Ok(renderer.finish_text(format!("SELECT COUNT(*) FROM ({text}) AS counted")));
        }
        select.expr(Func::count(sea_query::Expr::cust("*")));
        self.add_source(&mut renderer, &mut select);
        renderer.finish(&select)
    }

    /// The statement that tells whether there is a row.
    pub(crate) fn exists(&self, site: &Site<'_>) -> Result<Statement> {
        let mut limited = self.clone();
        limited.order.clear();
        if limited.limit.is_none() {
            limited.limit = Some(1);
        }
        if limited.columns.is_empty() {
            limited.columns = vec![Node::Value(crate::value::Datum::Int(1))];
        }
        limited.statement(site)
    }

    /// The statement that reads the rows.
    pub(crate) fn statement(&self, site: &Site<'_>) -> Result<Statement> {
        let site = site.of(&self.route, self.table);
        if let Some((partition, limit)) = &self.per_group {
            return self.limited_statement(site, partition, *limit);
        }
        let mut renderer = Renderer::new(site);
        let text = self.statement_with(&mut renderer)?;
        Ok(renderer.finish_text(text))
    }

    /// The statement as it is without a database.
    pub(crate) fn to_sql(&self, dialect: Dialect) -> Result<Statement> {
        let site = Site::without_database(dialect, &self.route, self.table);
        site.check()?;
        self.statement(&site)
    }

    /// The text alone, with its values left in the renderer, to be part of a larger one.
    fn statement_with(&self, renderer: &mut Renderer<'_>) -> Result<String> {
        let select = self.select(renderer);
        let text = renderer.text(&select)?;
        Ok(text + &renderer.limit(self.limit, self.offset))
    }

    /// At most `limit` rows for each value of `partition`: the rows are numbered within it.
    fn limited_statement(&self, site: Site<'_>, partition: &Node, limit: u64) -> Result<Statement> {
        const NUMBER: &str = "estoult_row";
        let (features, mut renderer) = (site.features, Renderer::new(site));
        let mut select = Sql::select();
        self.add_columns(&mut renderer, &mut select);
        let number = renderer.row_number(partition, &self.order);
        select.expr_as(number, Alias::new(NUMBER));
        self.add_source(&mut renderer, &mut select);
        let inner = renderer.text(&select)?;
        let columns: Vec<_> = self
            .table
            .column_names()
            .iter()
            .map(|name| quoted(name, features))
            .collect();
        let number = quoted(NUMBER, features);
        let text = format!(
            "SELECT {} FROM ({inner}) AS {} WHERE {number} <= {limit} ORDER BY {number}",
            columns.join(", "),
            quoted("numbered", features)
        );
        Ok(renderer.finish_text(text))
    }
}

fn add_order(renderer: &mut Renderer<'_>, select: &mut SelectStatement, term: &OrderNode) {
    let order = if term.is_descending {
        SqlOrder::Desc
    } else {
        SqlOrder::Asc
    };
    let node = renderer.collated(&term.node, term.kind);
    match (term.nulls, renderer.features.nulls_order) {
        (Nulls::AsTheDatabaseHas, _) => {
            select.order_by_expr(node, order);
        }
        (Nulls::First, true) => {
            select.order_by_expr_with_nulls(node, order, sea_query::NullOrdering::First);
        }
        (Nulls::Last, true) => {
            select.order_by_expr_with_nulls(node, order, sea_query::NullOrdering::Last);
        }
        (nulls, false) => {
            // "is null" is 0 for values and 1 for NULL.
            let is_null = sea_query::ExprTrait::is_null(renderer.expr(&term.node));
            let direction = if nulls == Nulls::First {
                SqlOrder::Desc
            } else {
                SqlOrder::Asc
            };
            select
                .order_by_expr(is_null, direction)
                .order_by_expr(node, order);
        }
    }
}

/// What a query of `S` can read instead of whole rows: a column, an expression, or a tuple of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be selected from `{S}`",
    label = "not a column or expression of `{S}`, nor a tuple of them"
)]
pub trait Selection<S> {
    /// What each row becomes.
    type Output: Send + 'static;

    /// Adds itself to what is read.
    #[doc(hidden)]
    #[expect(private_interfaces, reason = "the tree is not part of the interface")]
    fn select(self, columns: &mut Vec<Node>);

    /// Reads itself from a row.
    ///
    /// # Errors
    ///
    /// `Decode` when a column does not fit.
    fn decode(row: &mut Row<'_>) -> Result<Self::Output>;
}

#[expect(private_interfaces, reason = "the tree is not part of the interface")]
impl<S: Schema, T: Value> Selection<S> for Column<S, T> {
    type Output = T;

    fn select(self, columns: &mut Vec<Node>) {
        columns.push(self.into_node());
    }

    fn decode(row: &mut Row<'_>) -> Result<T> {
        row.read()
    }
}

#[expect(private_interfaces, reason = "the tree is not part of the interface")]
impl<S: Schema, T: Value> Selection<S> for Expr<S, T> {
    type Output = T;

    fn select(self, columns: &mut Vec<Node>) {
        columns.push(self.into_node());
    }

    fn decode(row: &mut Row<'_>) -> Result<T> {
        row.read()
    }
}

macro_rules! tuples {
    ($(($($part:ident)+))+) => {$(
        #[expect(private_interfaces, reason = "the tree is not part of the interface")]
        impl<S, $($part: Selection<S>),+> Selection<S> for ($($part,)+) {
            type Output = ($($part::Output,)+);

            fn select(self, columns: &mut Vec<Node>) {
                #[expect(non_snake_case, reason = "the variables are named like their types")]
                let ($($part,)+) = self;
                $($part.select(columns);)+
            }

            fn decode(row: &mut Row<'_>) -> Result<Self::Output> {
                Ok(($($part::decode(row)?,)+))
            }
        }
    )+};
}

tuples! {
    (A)
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E F)
    (A B C D E F G)
    (A B C D E F G H)
    (A B C D E F G H I)
    (A B C D E F G H I J)
    (A B C D E F G H I J K)
    (A B C D E F G H I J K L)
}

/// A struct that takes some columns of `S`: it derives `FromRow` with `#[row(schema = S)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a selection of `{S}`",
    label = "derive `FromRow` for it with `#[row(schema = {S})]`"
)]
pub trait RowOf<S: Schema>: FromRow {
    /// Adds its columns in order.
    fn select(columns: &mut Selected<S>);
}
