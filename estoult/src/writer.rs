//! Renders statement trees as SQL for one database. sea-query writes the text; values stay out of its tree and are
//! collected in the order of their placeholders, so that none is converted on the way.
//!
//! Invariant: differences between databases are read from `Features`, never from a database's name; each value is
//! written exactly once, or the statement is refused.

mod context;
mod ddl;
mod delete;
mod expr;
mod input;
mod insert;
mod key_bytes;
mod limits;
mod list;
mod origin;
mod pattern;
mod plain;
mod select;
mod text_cache;
mod text_key;
mod update;

use std::{fmt, sync::Arc};

use sea_query::{
    Alias, Expr as SqlExpr, IntoTableRef, MysqlQueryBuilder, PostgresQueryBuilder, QueryBuilder,
    QueryStatementWriter, SqlWriter, SqliteQueryBuilder, TableRef, Value as SqlValue,
};

use self::origin::Origin;
pub(crate) use self::{
    context::SqlContext,
    ddl::{count_tables, create_schema, drop_schema},
    delete::{delete, delete_by_key},
    insert::{bulk_size, check_rows, copy_target, insert, insert_rows},
    limits::{check_datum, check_key, check_schema, check_value},
    list::write_list,
    plain::quoted,
    select::{count, exists, row_exists, select, select_by_key, without_database},
    update::{update, update_by_key},
};
use crate::{
    backend::{Features, Statement},
    error::{Error, Result},
    sql::Dialect,
    table::Table,
    value::{Datum, EnumType, Kind},
};

/// Renders one statement for one database and collects its values.
struct Writer<'c> {
    features: &'static Features,
    context: SqlContext<'c>,
    /// The values and where they come from, by the index that represents each in sea-query's tree.
    values: Vec<(Datum, Origin)>,
    /// The first reason why the statement can't be written.
    problem: Option<Error>,
    schemas: Vec<Arc<str>>,
    /// The alias of the table in each enclosing subquery, the innermost last.
    aliases: Vec<String>,
}

impl<'c> Writer<'c> {
    fn new(context: SqlContext<'c>) -> Self {
        Self {
            features: context.features,
            context,
            values: Vec::new(),
            problem: None,
            schemas: Vec::new(),
            aliases: Vec::new(),
        }
    }

    /// Records why the statement can't be written; the caller gets the first reason.
    fn refuse(&mut self, problem: Error) {
        self.problem.get_or_insert(problem);
    }

    /// Stores a value and returns the expression of its placeholder.
    fn value(&mut self, datum: Datum, origin: Origin, column: &str) -> SqlExpr {
        self.check(&datum, column);
        let label = label_of(&datum).map(Kind::Enum);
        match self.store(datum, origin) {
            Some(index) => self.cast_label(SqlExpr::Value(SqlValue::Unsigned(Some(index))), label),
            None => SqlExpr::cust("null"),
        }
    }

    /// Stores a value and returns its index. The tree gets the index; `Output` puts the placeholder there and the value
    /// in its order.
    fn store(&mut self, datum: Datum, origin: Origin) -> Option<u32> {
        let index = u32::try_from(self.values.len());
        match index {
            Ok(index) => {
                self.values.push((datum, origin));
                Some(index)
            }
            Err(_) => {
                self.refuse(Error::unsupported(
                    "write a statement: it has more than 4294967295 values; split it",
                ));
                None
            }
        }
    }

    /// A placeholder whose value is bound at execution.
    fn parameter(&self, kind: Kind) -> SqlExpr {
        self.cast_label(SqlExpr::Value(Output::PARAMETER), Some(kind))
    }

    /// Casts a label where enums are types of the database.
    fn cast_label(&self, value: SqlExpr, kind: Option<Kind>) -> SqlExpr {
        match kind {
            Some(Kind::Enum(label)) if self.features.native_enum => {
                plain::cast(self.features, value, label.name)
            }
            _ => value,
        }
    }

    fn check(&mut self, datum: &Datum, column: &str) {
        if let Err(error) = check_value(datum, column, self.features) {
            self.refuse(error);
        }
    }

    /// A table in FROM, INTO or UPDATE.
    fn table(&mut self, table: &'static Table) -> TableRef {
        if let Some(schema) = self.context.schema_to_open(table) {
            self.schemas.push(schema);
        }
        match self.context.schema(table) {
            Some(schema) => (Alias::new(schema), Alias::new(table.name())).into_table_ref(),
            None => Alias::new(table.name()).into_table_ref(),
        }
    }

    /// Writes the tree.
    fn write(mut self, statement: &impl QueryStatementWriter) -> Result<Output> {
        if let Some(problem) = self.problem.take() {
            return Err(problem);
        }
        let mut output = Output::new(self.features, self.values);
        // The one place of the writer that asks for the dialect: sea-query has a builder for each.
        match self.features.dialect {
            Dialect::Sqlite => statement.build_collect_into(SqliteQueryBuilder, &mut output),
            Dialect::Postgres => statement.build_collect_into(PostgresQueryBuilder, &mut output),
            Dialect::MySql | Dialect::MariaDb => {
                statement.build_collect_into(MysqlQueryBuilder, &mut output)
            }
        };
        output.check()
    }

    /// The statement with its values.
    fn finish(mut self, statement: &impl QueryStatementWriter) -> Result<Written> {
        let schemas = std::mem::take(&mut self.schemas);
        let output = self.write(statement)?;
        Ok(Written {
            statement: Statement {
                sql: Arc::from(output.text),
                values: output.ordered,
                is_raw: false,
                schemas,
            },
            origins: output.origins,
        })
    }

    /// The text of a statement whose values are all parameters.
    fn finish_text(self, statement: &impl QueryStatementWriter) -> Result<Arc<str>> {
        Ok(Arc::from(self.write(statement)?.text))
    }
}

/// The enum whose type a value is cast to, where enums are types of the database.
fn label_of(datum: &Datum) -> Option<&'static EnumType> {
    match datum {
        // NULL of an enum needs the cast as well: without it PostgreSQL takes the parameter for text.
        Datum::Enum(label, _) | Datum::Null(Kind::Enum(label)) => Some(label),
        _ => None,
    }
}

/// A statement, and where each of its values comes from.
struct Written {
    statement: Statement,
    origins: Vec<Origin>,
}

/// What sea-query writes into.
struct Output {
    features: &'static Features,
    text: String,
    /// The values by index; each is taken when its placeholder is written.
    values: Vec<Option<(Datum, Origin)>>,
    ordered: Vec<Datum>,
    origins: Vec<Origin>,
    /// How many placeholders the text has.
    placeholders: usize,
    has_mismatch: bool,
}

impl Output {
    /// Marks a value in the tree that is bound at execution.
    const PARAMETER: SqlValue = SqlValue::Unsigned(None);

    /// The LIMIT of a statement that has none, where the database asks for one.
    const UNLIMITED: u64 = u64::MAX;

    fn new(features: &'static Features, values: Vec<(Datum, Origin)>) -> Self {
        Self {
            features,
            text: String::with_capacity(256),
            ordered: Vec::with_capacity(values.len()),
            origins: Vec::with_capacity(values.len()),
            values: values.into_iter().map(Some).collect(),
            placeholders: 0,
            has_mismatch: false,
        }
    }

    /// Refuses a text in which a value is missing or written twice.
    fn check(self) -> Result<Self> {
        if self.has_mismatch || self.values.iter().any(Option::is_some) {
            return Err(Error::internal(format!(
                "write a statement: its values and its placeholders don't match in `{}`",
                self.text
            )));
        }
        Ok(self)
    }

    fn placeholder(&mut self) {
        self.placeholders += 1;
        let placeholder = self.features.placeholder(self.placeholders);
        self.text.push_str(&placeholder);
    }

    /// Writes the placeholder of the value with this index.
    fn bind(&mut self, index: u64) {
        // The value is taken, so that a second use shows.
        let value = usize::try_from(index)
            .ok()
            .and_then(|index| self.values.get_mut(index).and_then(Option::take));
        match value {
            Some((datum, origin)) => {
                self.placeholder();
                self.ordered.push(datum);
                self.origins.push(origin);
            }
            None => self.has_mismatch = true,
        }
    }

    /// LIMIT and OFFSET: literals where binding them costs a new plan, and for a limit that is none.
    fn limit(&mut self, rows: u64) {
        match rows {
            Self::UNLIMITED => self.text.push_str(&i64::MAX.to_string()),
            index if self.features.bound_limit => self.bind(index),
            rows => self.text.push_str(&rows.to_string()),
        }
    }
}

impl SqlWriter for Output {
    fn push_param<B: QueryBuilder>(&mut self, value: SqlValue, _: &B) {
        // The tree has three kinds of values: parameters, which have no value yet, indexes that lead to the value, and
        // what `Writer::limit` gave to sea-query for LIMIT and OFFSET.
        match value {
            // The constant above, which is no pattern: features of sea-query change how its values are compared.
            SqlValue::Unsigned(None) => self.placeholder(),
            SqlValue::Unsigned(Some(index)) => self.bind(u64::from(index)),
            SqlValue::BigUnsigned(Some(rows)) => self.limit(rows),
            _ => self.has_mismatch = true,
        }
    }

    fn as_writer(&mut self) -> &mut dyn fmt::Write {
        self
    }
}

impl fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.push_str(text);
        Ok(())
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
