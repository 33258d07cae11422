//! Expressions: renders a node of the tree as an expression of sea-query.

use std::borrow::Cow;

use sea_query::{Alias, BinOper, Expr as SqlExpr, ExprTrait, Func, SelectStatement};

use super::{Writer, origin::Origin, plain};
use crate::{
    error::Error,
    expr::{ColumnRef, Comparison, Exists, Function, Node},
    table::Table,
    value::Kind,
};

/// The functions that estoult installs in SQLite for exact decimals.
const DECIMAL_SUM: &str = "estoult_sum";
const DECIMAL_AVERAGE: &str = "estoult_avg";

impl Writer<'_> {
    pub(super) fn expr(&mut self, node: &Node) -> SqlExpr {
        match node {
            Node::Column(column) => self.column(*column),
            Node::UnknownColumn(table, name) => {
                self.refuse(Error::internal(format!(
                    "write a statement: the table `{table}` has no column {name:?}"
                )));
                SqlExpr::cust("null")
            }
            Node::SubqueryColumn(name) => SqlExpr::col(Alias::new(*name)),
            // Only a list of columns has aliases, which `Writer::selected` renders.
            Node::Aliased(node, _) => self.expr(node),
            Node::Value(datum) => self.value(datum.clone(), Origin::value(datum), "a filter"),
            Node::Parameter(kind) => self.parameter(*kind),
            Node::Compare(comparison, kind, left, right) => {
                self.compare(*comparison, *kind, left, right)
            }
            Node::IsNull(node) => self.expr(node).is_null(),
            Node::Not(node) => match &**node {
                Node::IsNull(inner) => self.expr(inner).is_not_null(),
                inner => self.expr(inner).not(),
            },
            // An empty AND is true and an empty OR false; MySQL and SQLite have no literal of a boolean type.
            Node::All(nodes) => self.joined(nodes, BinOper::And, "1 = 1"),
            Node::Any(nodes) => self.joined(nodes, BinOper::Or, "1 = 0"),
            Node::List(node, kind, values) => self.list(node, *kind, values),
            Node::Like {
                node,
                pattern,
                ignores_case,
            } => self.like(node, pattern, *ignores_case),
            Node::Call(function, kind, argument) => self.call(*function, *kind, argument),
            Node::CountRows => Func::count(SqlExpr::cust("*")).into(),
            // A window function is allowed in a list of columns only, where `Writer::selected` renders it.
            Node::RowNumber(..) => {
                self.refuse(Error::internal(
                    "write a statement: rows are numbered outside of a list of columns",
                ));
                SqlExpr::cust("null")
            }
            Node::Exists(exists) => self.exists(exists),
        }
    }

    fn compare(
        &mut self,
        comparison: Comparison,
        kind: Kind,
        left: &Node,
        right: &Node,
    ) -> SqlExpr {
        let column = name_of(left);
        let left = self.collated(left, kind);
        let right = match right {
            Node::Value(datum) => self.value(datum.clone(), Origin::value(datum), &column),
            right => self.expr(right),
        };
        left.binary(operator(comparison), right)
    }

    /// A column, qualified by the alias that its table has in the innermost subquery.
    fn column(&self, column: ColumnRef) -> SqlExpr {
        let table = self.aliases.last().map_or(column.table.name(), |name| name);
        SqlExpr::col((Alias::new(table), Alias::new(&*column.spec.name)))
    }

    /// `exists (select 1 from … as … where …)`. The alias keeps a table that refers to itself apart from the outer one.
    fn exists(&mut self, exists: &Exists) -> SqlExpr {
        let table = exists.table;
        if exists.outer.database() != table.database() {
            self.refuse(across_databases(exists.outer, table));
        }
        // Rendered before the alias is pushed, because the column belongs to the enclosing query.
        let outer = self.expr(&exists.own);
        let name = format!("estoult_{}", self.aliases.len() + 1);
        let source = self.table(table).alias(Alias::new(&name));
        self.aliases.push(name);
        let mut select = SelectStatement::new();
        select.expr(SqlExpr::cust("1")).from(source);
        select.and_where(self.expr(&exists.other).binary(BinOper::Equal, outer));
        // The associated rows are restricted as well; that the outer ones are does not make them the tenant's.
        if let Some(restriction) = self.tenant(table) {
            select.and_where(restriction);
        }
        if !matches!(&exists.condition, Node::All(nodes) if nodes.is_empty()) {
            select.and_where(self.expr(&exists.condition));
        }
        self.aliases.pop();
        SqlExpr::exists(select)
    }

    /// The condition that restricts a table to the rows of the tenant.
    pub(super) fn tenant(&mut self, table: &'static Table) -> Option<SqlExpr> {
        match self.context.restriction(table) {
            Ok(restriction) => restriction.map(|(spec, tenant)| {
                let column = Node::Column(ColumnRef { table, spec });
                let name = name_of(&column);
                let left = self.collated(&column, spec.kind);
                let tenant = self.value(tenant, Origin::tenant(table), &name);
                left.binary(BinOper::Equal, tenant)
            }),
            Err(error) => {
                self.refuse(error);
                None
            }
        }
    }

    fn joined(&mut self, nodes: &[Node], operator: BinOper, empty: &'static str) -> SqlExpr {
        let mut joined: Option<SqlExpr> = None;
        for node in nodes {
            let next = self.expr(node);
            joined = Some(match joined {
                Some(joined) => joined.binary(operator, next),
                None => next,
            });
        }
        joined.unwrap_or_else(|| SqlExpr::cust(empty))
    }

    /// The expression to compare and sort by: decimals that are stored as text need a collation.
    pub(super) fn collated(&mut self, node: &Node, kind: Kind) -> SqlExpr {
        let expr = self.expr(node);
        if self.needs_collation(node, kind) {
            return plain::decimal_collation(self.features, expr);
        }
        expr
    }

    /// Whether values of the node compare as numbers only under estoult's own collation. A count is a number, whatever
    /// it counts.
    fn needs_collation(&self, node: &Node, kind: Kind) -> bool {
        let is_count = matches!(
            node,
            Node::CountRows | Node::Call(Function::Count | Function::CountDistinct, ..)
        );
        kind == Kind::Decimal && self.features.text_decimal && !is_count
    }

    /// The expression to group by or to compare for DISTINCT, and whether it differs from the plain column.
    pub(super) fn distinct_form(&mut self, node: &Node) -> (SqlExpr, bool) {
        let kind = node.kind();
        (self.collated(node, kind), self.needs_collation(node, kind))
    }

    fn call(&mut self, function: Function, kind: Kind, argument: &Node) -> SqlExpr {
        let is_text_decimal = kind == Kind::Decimal && self.features.text_decimal;
        // These compare values, which takes the collation; the others only count or add them.
        let argument = match function {
            Function::Min | Function::Max | Function::CountDistinct => {
                self.collated(argument, kind)
            }
            Function::Count | Function::Sum | Function::Average => self.expr(argument),
        };
        match function {
            Function::Count => argument.count(),
            Function::CountDistinct => argument.count_distinct(),
            // `sum` of SQLite adds text as floats; estoult's own functions stay exact.
            Function::Sum if is_text_decimal => {
                Func::cust(Alias::new(DECIMAL_SUM)).arg(argument).into()
            }
            Function::Average if is_text_decimal => {
                Func::cust(Alias::new(DECIMAL_AVERAGE)).arg(argument).into()
            }
            Function::Sum => argument.sum(),
            Function::Average => argument.avg(),
            Function::Min => argument.min(),
            Function::Max => argument.max(),
        }
    }
}

fn across_databases(own: &Table, other: &Table) -> Error {
    let name = |table: &Table| match table.database() {
        Some(database) => format!("`{}` is in the database `{database}`", table.name()),
        None => format!("`{}` is in the default one", table.name()),
    };
    Error::unsupported(format!(
        "filter rows of `{}` by rows of `{}`: {}, {}, and a statement runs in one database; read the keys from the \
         other one first and filter with `in_list`, or preload",
        own.name(),
        other.name(),
        name(own),
        name(other),
    ))
}

/// The name of the column that a node compares, for messages.
pub(super) fn name_of(node: &Node) -> Cow<'static, str> {
    match node {
        Node::Column(column) => column.to_string().into(),
        _ => "an expression".into(),
    }
}

fn operator(comparison: Comparison) -> BinOper {
    match comparison {
        Comparison::Equal => BinOper::Equal,
        Comparison::NotEqual => BinOper::NotEqual,
        Comparison::Less => BinOper::SmallerThan,
        Comparison::LessOrEqual => BinOper::SmallerThanOrEqual,
        Comparison::Greater => BinOper::GreaterThan,
        Comparison::GreaterOrEqual => BinOper::GreaterThanOrEqual,
    }
}
