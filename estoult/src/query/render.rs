//! Writes a tree as SQL for one database. Values are kept aside and stand in sea-query's tree as their numbers, so that
//! every text comes from one place and no value is ever converted on the way.
//!
//! Invariant: differences between databases are read from `Features`, never from a database's name.

use std::sync::Arc;

use sea_query::{
    Alias, BinOper, Expr as SqlExpr, ExprTrait, Func, IntoTableRef, MysqlQueryBuilder,
    PostgresQueryBuilder, QueryStatementWriter, SelectStatement, SqliteQueryBuilder, TableRef,
    Value as SqlValue,
};

use crate::{
    backend::{Dialect, Features, LikeStyle, ListStyle, Statement},
    error::{Error, Result},
    expr::{Comparison, Exists, Function, Node, Nulls, OrderNode},
    query::{
        Site,
        refusal::{check, refused},
    },
    schema::{ColumnName, Table},
    value::{Datum, Kind},
};

/// The functions that estoult installs in SQLite for exact decimals.
const DECIMAL_SUM: &str = "estoult_sum";
const DECIMAL_AVERAGE: &str = "estoult_avg";

/// From how many values on a list travels as one JSON parameter where marks would grow too many.
const MARKS_AT_MOST: usize = 1024;

/// Writes trees for one database and collects their values.
pub(crate) struct Renderer<'s> {
    pub(crate) features: &'static Features,
    site: Site<'s>,
    given: Vec<Option<Datum>>,
    ordered: Vec<Datum>,
    problem: Option<Error>,
    schemas: Vec<Arc<str>>,
    /// The tables of the subqueries around the present node, the innermost at the end.
    aliases: Vec<Inner>,
}

/// A table with its name inside of a subquery.
struct Inner {
    table: &'static Table,
    name: String,
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

impl<'s> Renderer<'s> {
    pub(crate) fn new(site: Site<'s>) -> Self {
        Self {
            features: site.features,
            site,
            given: Vec::new(),
            ordered: Vec::new(),
            problem: None,
            schemas: Vec::new(),
            aliases: Vec::new(),
        }
    }

    /// Keeps a value aside and gives what stands for it in the tree.
    pub(crate) fn value(&mut self, datum: Datum, column: &str) -> SqlExpr {
        self.check(&datum, column);
        let cast = match &datum {
            Datum::Enum(kind, _) | Datum::Null(Kind::Enum(kind)) if self.features.native_enum => {
                Some(kind.name)
            }
            _ => None,
        };
        let number = self.given.len() as u64;
        self.given.push(Some(datum));
        let value = SqlExpr::val(number);
        match cast {
            Some(name) => {
                let end = format!(" AS {})", quoted(name, self.features));
                self.custom(["CAST(", &end], [value])
            }
            None => value,
        }
    }

    fn check(&mut self, datum: &Datum, column: &str) {
        if let Err(error) = check(datum, column, self.features) {
            self.problem.get_or_insert(error);
        }
    }

    /// The node in sea-query's tree.
    pub(crate) fn expr(&mut self, node: &Node) -> SqlExpr {
        match node {
            Node::Column(table, name) => self.column(table, name),
            Node::Value(datum) => self.value(datum.clone(), "a filter"),
            Node::Compare(comparison, kind, left, right) => {
                let column = name_of(left);
                let left = self.collated(left, *kind);
                let right = match &**right {
                    Node::Value(datum) => self.value(datum.clone(), &column),
                    right => self.expr(right),
                };
                left.binary(operator(*comparison), right)
            }
            Node::IsNull(node) => self.expr(node).is_null(),
            Node::Not(node) => match &**node {
                Node::IsNull(inner) => self.expr(inner).is_not_null(),
                inner => self.expr(inner).not(),
            },
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
            Node::Exists(exists) => self.exists(exists),
        }
    }

    fn column(&self, table: &'static Table, name: impl ToString) -> SqlExpr {
        let alias = self.aliases.iter().rev();
        let alias = alias
            .into_iter()
            .find(|alias| std::ptr::eq(alias.table, table));
        let table = alias.map_or(table.name(), |alias| &alias.name);
        SqlExpr::col((Alias::new(table), Alias::new(name.to_string())))
    }

    /// `exists (select 1 from … as … where …)`. The table has another name inside, so that a table whose rows are
    /// associated with one another is told apart.
    fn exists(&mut self, exists: &Exists) -> SqlExpr {
        let ((own_table, own), (table, other)) = (exists.own, exists.other);
        if own_table.database() != table.database() {
            self.problem
                .get_or_insert(across_databases(own_table, table));
        }
        let outer = self.column(own_table, own);
        let name = format!("estoult_{}", self.aliases.len() + 1);
        let source = self.table(table).alias(Alias::new(&name));
        self.aliases.push(Inner { table, name });
        let mut select = SelectStatement::new();
        select.expr(SqlExpr::cust("1")).from(source);
        select.and_where(self.column(table, other).binary(BinOper::Equal, outer));
        if let Some(limit) = self.tenant(table) {
            select.and_where(limit);
        }
        if !matches!(&exists.condition, Node::All(nodes) if nodes.is_empty()) {
            select.and_where(self.expr(&exists.condition));
        }
        self.aliases.pop();
        SqlExpr::exists(select)
    }

    /// The condition that limits a table's rows to those of the tenant.
    pub(crate) fn tenant(&mut self, table: &'static Table) -> Option<SqlExpr> {
        match self.site.limit(table) {
            Ok(limit) => limit.map(|(column, tenant)| {
                let name = ColumnName {
                    prefix: "",
                    name: &column.name,
                };
                self.expr(&Node::Compare(
                    Comparison::Equal,
                    column.kind,
                    Box::new(Node::column(table, name)),
                    Box::new(Node::Value(tenant)),
                ))
            }),
            Err(error) => {
                self.problem.get_or_insert(error);
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

    /// The node as it is compared and ordered: decimals that are stored as text need a collation for that.
    pub(crate) fn collated(&mut self, node: &Node, kind: Kind) -> SqlExpr {
        let expr = self.expr(node);
        let is_sum = matches!(
            node,
            Node::CountRows | Node::Call(Function::Count | Function::CountDistinct, ..)
        );
        if kind == Kind::Decimal && self.features.text_decimal && !is_sum {
            return self.custom(["", " COLLATE estoult_decimal"], [expr]);
        }
        expr
    }

    /// The node as its values are told apart, and whether that is written other than the node itself.
    pub(crate) fn distinguished(&mut self, node: &Node) -> (SqlExpr, bool) {
        let kind = kind_of(node);
        let is_collated = kind == Kind::Decimal && self.features.text_decimal;
        (self.collated(node, kind), is_collated)
    }

    /// A text with expressions between its parts.
    fn custom<const N: usize, const M: usize>(
        &self,
        parts: [&str; N],
        exprs: [SqlExpr; M],
    ) -> SqlExpr {
        let mut pattern = String::new();
        for (index, part) in parts.iter().enumerate() {
            pattern.push_str(part);
            if index < M {
                pattern.push_str(&self.features.mark(index + 1));
            }
        }
        SqlExpr::cust_with_exprs(pattern, exprs)
    }

    fn list(&mut self, node: &Node, kind: Kind, values: &[Datum]) -> SqlExpr {
        if values.is_empty() {
            return SqlExpr::cust("1 = 0");
        }
        let column = name_of(node);
        values.iter().for_each(|value| self.check(value, &column));
        let left = self.collated(node, kind);
        match self.features.list {
            ListStyle::Array => {
                let list = self.value(Datum::List(kind, values.to_vec()), &column);
                match kind {
                    Kind::Enum(kind) => {
                        let end = format!(" AS {}[]))", quoted(kind.name, self.features));
                        self.custom(["", " = any(CAST(", &end], [left, list])
                    }
                    _ => self.custom(["", " = any(", ")"], [left, list]),
                }
            }
            // SQLite reads a float in JSON to some other one beside it.
            ListStyle::Json if matches!(kind, Kind::Float32 | Kind::Float64) => {
                self.marks(left, kind, values)
            }
            ListStyle::Json => {
                let list = self.value(Datum::List(kind, values.to_vec()), &column);
                let open = if kind == Kind::Bytes { "hex(" } else { "" };
                let close = if kind == Kind::Bytes { ")" } else { "" };
                self.custom(
                    [
                        open,
                        &format!("{close} IN (SELECT value FROM json_each("),
                        "))",
                    ],
                    [left, list],
                )
            }
            ListStyle::Marks => self.marks(left, kind, values),
        }
    }

    /// One mark a value, padded with the last one to a power of two; beyond that the list is one JSON parameter.
    fn marks(&mut self, left: SqlExpr, kind: Kind, values: &[Datum]) -> SqlExpr {
        if values.len() > MARKS_AT_MOST
            && let Some((column, list)) = json_table(kind, values)
        {
            let list = self.value(Datum::Text(list), "a list");
            let middle = " IN (SELECT estoult_item FROM JSON_TABLE(";
            let end =
                format!(", '$[*]' COLUMNS (estoult_item {column} PATH '$')) AS estoult_items)");
            return self.custom(["", middle, &end], [left, list]);
        }
        let most = self.features.max_parameters.max(values.len());
        let padding = values.len().next_power_of_two().min(most) - values.len();
        let last = values.last().into_iter().cycle().take(padding);
        let items: Vec<_> = values
            .iter()
            .chain(last)
            .map(|value| self.value(value.clone(), "a list"))
            .collect();
        left.is_in(items)
    }

    fn like(&mut self, node: &Node, pattern: &str, ignores_case: bool) -> SqlExpr {
        let column = name_of(node);
        let left = self.expr(node);
        let style = self.features.like;
        let text = match (style, ignores_case) {
            (LikeStyle::Glob, false) => glob(pattern),
            _ => pattern.to_owned(),
        };
        if !self.features.nul_in_pattern && text.contains('\0') {
            let problem = refused(&column, "a pattern with the character NUL", self.features);
            self.problem.get_or_insert(problem);
        }
        let pattern = self.value(Datum::Text(text), &column);
        match (style, ignores_case) {
            (LikeStyle::Native, false) => self.custom(["", " LIKE ", ""], [left, pattern]),
            (LikeStyle::Native, true) => self.custom(["", " ILIKE ", ""], [left, pattern]),
            // SQLite's LIKE ignores the case; its GLOB does not, and can use an index.
            (LikeStyle::Glob, false) => self.custom(["", " GLOB ", ""], [left, pattern]),
            (LikeStyle::Glob, true) => self.custom(["", " LIKE ", " ESCAPE '\\'"], [left, pattern]),
            (LikeStyle::Collation, false) => {
                self.custom(["", " LIKE ", " COLLATE utf8mb4_bin"], [left, pattern])
            }
            (LikeStyle::Collation, true) => {
                self.custom(["lower(", ") LIKE lower(", ")"], [left, pattern])
            }
        }
    }

    fn call(&mut self, function: Function, kind: Kind, argument: &Node) -> SqlExpr {
        let is_text_decimal = kind == Kind::Decimal && self.features.text_decimal;
        let argument = match function {
            Function::Min | Function::Max | Function::CountDistinct => {
                self.collated(argument, kind)
            }
            Function::Count | Function::Sum | Function::Average => self.expr(argument),
        };
        match function {
            Function::Count => argument.count(),
            Function::CountDistinct => argument.count_distinct(),
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

    /// `row_number() over (partition by … order by …)`.
    pub(crate) fn row_number(&mut self, partition: &Node, order: &[OrderNode]) -> SqlExpr {
        let mut pattern = String::from("ROW_NUMBER() OVER (PARTITION BY ");
        let mut exprs = vec![self.expr(partition)];
        pattern.push_str(&self.features.mark(1));
        for (index, term) in order.iter().enumerate() {
            pattern.push_str(if index == 0 { " ORDER BY " } else { ", " });
            if term.nulls != Nulls::AsTheDatabaseHas {
                // "is null" is 0 or false for values and comes before 1 and true for NULL.
                exprs.push(self.expr(&term.node));
                pattern.push_str(&self.features.mark(exprs.len()));
                let is_first = term.nulls == Nulls::First;
                pattern.push_str(if is_first {
                    " IS NULL DESC, "
                } else {
                    " IS NULL ASC, "
                });
            }
            exprs.push(self.collated(&term.node, term.kind));
            pattern.push_str(&self.features.mark(exprs.len()));
            pattern.push_str(if term.is_descending { " DESC" } else { " ASC" });
        }
        pattern.push(')');
        SqlExpr::cust_with_exprs(pattern, exprs)
    }

    /// A table in the FROM clause.
    pub(crate) fn table(&mut self, table: &'static Table) -> TableRef {
        if let Some(schema) = self.site.opened(table) {
            self.schemas.push(schema);
        }
        match self.site.schema(table) {
            Some(schema) => (Alias::new(schema), Alias::new(table.name())).into_table_ref(),
            None => Alias::new(table.name()).into_table_ref(),
        }
    }

    /// LIMIT and OFFSET behind a statement: literals where binding them costs a new plan.
    pub(crate) fn limit(&mut self, limit: Option<u64>, offset: Option<u64>) -> String {
        let mut text = String::new();
        match (limit, offset) {
            (Some(rows), _) => text.push_str(&format!(" LIMIT {}", self.number(rows))),
            (None, Some(_)) if self.features.offset_needs_limit => {
                text.push_str(&format!(" LIMIT {}", i64::MAX));
            }
            (None, _) => {}
        }
        if let Some(rows) = offset {
            text.push_str(&format!(" OFFSET {}", self.number(rows)));
        }
        text
    }

    fn number(&mut self, rows: u64) -> String {
        if !self.features.bound_limit {
            return Ord::min(rows, i64::MAX.unsigned_abs()).to_string();
        }
        self.ordered
            .push(Datum::Int(i64::try_from(rows).unwrap_or(i64::MAX)));
        self.features.mark(self.ordered.len())
    }

    /// Writes the tree; its values follow those of the texts written before.
    pub(crate) fn text(&mut self, statement: &impl QueryStatementWriter) -> Result<String> {
        if let Some(problem) = self.problem.take() {
            return Err(problem);
        }
        let (text, numbers) = match self.features.dialect {
            Dialect::Sqlite => statement.build(SqliteQueryBuilder),
            Dialect::Postgres => statement.build(PostgresQueryBuilder),
            Dialect::MySql | Dialect::MariaDb => statement.build(MysqlQueryBuilder),
        };
        for number in numbers {
            let datum = self.take(&number);
            self.ordered.extend(datum);
        }
        Ok(text)
    }

    fn take(&mut self, number: &SqlValue) -> Option<Datum> {
        let SqlValue::BigUnsigned(Some(number)) = number else {
            return None;
        };
        let place = usize::try_from(*number).ok()?;
        self.given.get_mut(place).and_then(Option::take)
    }

    /// The finished statement.
    pub(crate) fn finish(mut self, statement: &impl QueryStatementWriter) -> Result<Statement> {
        let text = self.text(statement)?;
        Ok(self.finish_text(text))
    }

    /// The finished statement from a text that was put together around a written tree.
    pub(crate) fn finish_text(self, text: String) -> Statement {
        Statement {
            sql: Arc::from(text),
            values: self.ordered,
            is_raw: false,
            schemas: self.schemas,
        }
    }
}

/// A name in the database's quotes.
pub(crate) fn quoted(name: &str, features: &Features) -> String {
    let quote = features.quote;
    let mut text = String::with_capacity(name.len() + 2);
    text.push(quote);
    for character in name.chars() {
        if character == quote {
            text.push(quote);
        }
        text.push(character);
    }
    text.push(quote);
    text
}

/// The kind of a column's or function's values; text for everything that is compared as it is.
fn kind_of(node: &Node) -> Kind {
    match node {
        Node::Column(table, name) => table
            .find(&name.to_string())
            .map_or(Kind::Text, |column| column.kind),
        Node::Call(_, kind, _) => *kind,
        _ => Kind::Text,
    }
}

/// The column that a node compares, for messages.
fn name_of(node: &Node) -> String {
    match node {
        Node::Column(table, name) => format!("{}.{name}", table.name()),
        _ => "an expression".to_owned(),
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

/// A LIKE pattern as a GLOB pattern, which SQLite compares with regard to case.
fn glob(pattern: &str) -> String {
    let mut glob = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '%' => glob.push('*'),
            '_' => glob.push('?'),
            '\\' => push_literal(&mut glob, characters.next().unwrap_or('\\')),
            other => push_literal(&mut glob, other),
        }
    }
    glob
}

fn push_literal(glob: &mut String, character: char) {
    match character {
        '*' | '?' | '[' => {
            glob.push('[');
            glob.push(character);
            glob.push(']');
        }
        other => glob.push(other),
    }
}

/// A long list as JSON with the type of its items, for kinds that JSON holds exactly.
fn json_table(kind: Kind, values: &[Datum]) -> Option<(&'static str, String)> {
    let column = match kind {
        Kind::Bool | Kind::Int16 | Kind::Int32 | Kind::Int64 => "bigint",
        Kind::UInt64 => "bigint unsigned",
        Kind::Text => "varchar(1000)",
        Kind::Uuid => "varchar(36)",
        Kind::Decimal => "decimal(65,28)",
        _ => return None,
    };
    let items: Option<Vec<_>> = values.iter().map(json_item).collect();
    Some((column, format!("[{}]", items?.join(","))))
}

fn json_item(value: &Datum) -> Option<String> {
    Some(match value {
        Datum::Bool(value) => u8::from(*value).to_string(),
        Datum::Int(value) => value.to_string(),
        Datum::UInt(value) => value.to_string(),
        Datum::Decimal(value) => format!("\"{value}\""),
        Datum::Uuid(value) => format!("\"{}\"", uuid::Uuid::from_bytes(*value)),
        Datum::Text(text) if text.chars().count() <= 1000 => {
            let mut item = String::with_capacity(text.len() + 2);
            item.push('"');
            for character in text.chars() {
                match character {
                    '"' | '\\' => item.extend(['\\', character]),
                    control if u32::from(control) < 0x20 => {
                        item.push_str(&format!("\\u{:04x}", u32::from(control)));
                    }
                    other => item.push(other),
                }
            }
            item.push('"');
            item
        }
        _ => return None,
    })
}
