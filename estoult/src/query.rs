//! [`Query`]: how to read rows. It has one field per clause, so the order of calls does not matter.
//!
//! Invariant: building a query runs nothing and needs no connection; the verbs that run it are in `verbs`.

mod association;
mod extend;
mod loader;
mod preload;
mod rendered;
mod selection;
mod sql;
mod update;

use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

use self::rendered::DebugSelect;
pub use self::{
    association::{BelongsTo, HasMany, HasOne, References},
    extend::{Extend, HasRoot},
    preload::{Association, Children, Many, One, Preload},
    rendered::RenderedSql,
    selection::{RowOf, Selected, Selection},
    sql::{Sql, ToSql, sql},
    update::UpdateAll,
};
pub(crate) use self::{
    loader::{Load, Loader, Loading, Request},
    preload::PreloadLoader,
    sql::{copy_text, script},
};
pub use crate::expr::{Operand, Order, escape_like};
use crate::{
    error::Result,
    expr::Predicate,
    sql::Dialect,
    statement::Select,
    table::{Column, Model},
    value::{IntoValue, Value},
    writer,
};

/// A query for rows of `S`, each read as an `R`.
///
/// Only a projection or a preload changes `R`; filters, order and limit leave the type alone, so a reusable fragment is
/// a plain function:
///
/// ```
/// use estoult::{Query, Schema};
///
/// #[derive(Schema)]
/// struct Book { id: i64, title: String, price: i64 }
///
/// fn cheap(books: Query<Book>) -> Query<Book> {
///     books.filter(Book::price.le(10)).order_by(Book::title.asc())
/// }
///
/// assert!(cheap(Book::query()).to_sql(estoult::Dialect::Sqlite)?.text().contains("ORDER BY"));
/// # Ok::<(), estoult::Error>(())
/// ```
pub struct Query<S, R = S> {
    pub(crate) select: Select,
    pub(crate) loader: Loader<R>,
    schema: PhantomData<fn() -> S>,
}

// Not derived: the derive would require `S` and `R` to be `Clone`.
impl<S, R> Clone for Query<S, R> {
    fn clone(&self) -> Self {
        Self {
            select: self.select.clone(),
            loader: self.loader.clone(),
            schema: PhantomData,
        }
    }
}

impl<S, R> fmt::Debug for Query<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&DebugSelect(&self.select), f)
    }
}

/// `S::query()` as a function, for a schema with a column named `query`.
#[must_use]
pub fn query<S: Model>() -> Query<S> {
    Query::new()
}

impl<S: Model> Query<S> {
    pub(crate) fn new() -> Self {
        Self {
            select: Select::of(S::table_spec()),
            loader: Loader::Rows(S::from_row),
            schema: PhantomData,
        }
    }

    /// Reads only these columns or expressions of each row: one, or a tuple of them.
    #[must_use]
    pub fn select<L: Selection<S>>(mut self, selection: L) -> Query<S, L::Output> {
        selection.select(&mut self.select.columns);
        Query {
            select: self.select,
            loader: Loader::Rows(L::decode),
            schema: PhantomData,
        }
    }

    /// Reads only the columns of this struct, which derives `FromRow` with `#[row(schema = …)]`.
    ///
    /// ```
    /// use estoult::{FromRow, Schema};
    ///
    /// #[derive(Schema)]
    /// struct Book { id: i64, title: String, year: i32 }
    ///
    /// #[derive(FromRow)]
    /// #[row(schema = Book)]
    /// struct Title { title: String }
    ///
    /// let titles = Book::query().rows::<Title>().to_sql(estoult::Dialect::Sqlite)?;
    /// assert_eq!(titles.text(), r#"SELECT "books"."title" FROM "books""#);
    /// # Ok::<(), estoult::Error>(())
    /// ```
    #[must_use]
    pub fn rows<R: RowOf<S>>(mut self) -> Query<S, R> {
        let mut selected = Selected::new();
        // The struct selects its columns in its own order, so rows are decoded by position.
        R::select(&mut selected);
        self.select.columns = selected.nodes;
        Query {
            select: self.select,
            loader: Loader::Rows(R::from_row),
            schema: PhantomData,
        }
    }

    /// Sets a column of all rows that the filters match; run it with `update_all`.
    #[must_use]
    pub fn set<T: Value>(self, column: Column<S, T>, value: impl IntoValue<T>) -> UpdateAll<S> {
        UpdateAll::of(self.select).set(column, value)
    }

    /// Sets a column of all rows that the filters match to the value of another column or an expression.
    #[must_use]
    pub fn set_to<T: Value>(self, column: Column<S, T>, value: impl Operand<S, T>) -> UpdateAll<S> {
        UpdateAll::of(self.select).set_to(column, value)
    }
}

impl<S: Model, R: Send + 'static> Query<S, R> {
    /// Runs on this database of the registry, whatever the default is: `Book::query().using("replica").all(&registry)`.
    ///
    /// An unknown name is an error when the query runs, and so is a handle of another database.
    #[must_use]
    pub fn using(mut self, name: impl AsRef<str>) -> Self {
        self.select.route.database = Some(Arc::from(name.as_ref()));
        self
    }

    /// Gives each statement of the query this much time, whatever the database's
    /// [`statement_timeout`](crate::DatabaseBuilder::statement_timeout) is.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.select.route.timeout = Some(limit);
        self
    }

    /// Reads the tables of this schema of the database, in preloads as well unless their Rust schema names one.
    ///
    /// ```
    /// use estoult::{Dialect, Schema};
    ///
    /// #[derive(Schema)]
    /// struct Book { id: i64 }
    ///
    /// let books = Book::query().using_schema("tenant_7").to_sql(Dialect::MySql)?;
    /// assert_eq!(books.text(), "SELECT `books`.`id` FROM `tenant_7`.`books`");
    /// # Ok::<(), estoult::Error>(())
    /// ```
    #[must_use]
    pub fn using_schema(mut self, name: impl AsRef<str>) -> Self {
        self.select.route.schema = Some(Arc::from(name.as_ref()));
        self
    }

    /// Keeps only rows that match the predicate; several filters are joined with AND.
    #[must_use]
    pub fn filter(mut self, predicate: Predicate<S>) -> Self {
        self.select.filters.push(predicate.node);
        self
    }

    /// Filters if there is a value.
    #[must_use]
    pub fn filter_some<T>(
        self,
        value: Option<T>,
        predicate: impl FnOnce(T) -> Predicate<S>,
    ) -> Self {
        match value {
            Some(value) => self.filter(predicate(value)),
            None => self,
        }
    }

    /// Sorts the rows; further calls break ties.
    #[must_use]
    pub fn order_by(mut self, order: Order<S>) -> Self {
        self.select.order.push(order.node);
        self
    }

    /// Takes at most this many rows.
    #[must_use]
    pub fn limit(mut self, rows: u64) -> Self {
        self.select.limit = Some(rows);
        self
    }

    /// Skips this many rows.
    #[must_use]
    pub fn offset(mut self, rows: u64) -> Self {
        self.select.offset = Some(rows);
        self
    }

    /// Removes duplicate rows.
    #[must_use]
    pub fn distinct(mut self) -> Self {
        self.select.is_distinct = true;
        self
    }

    /// Groups the rows by this column; further calls add columns to the group.
    #[must_use]
    pub fn group_by<T: Value>(mut self, column: Column<S, T>) -> Self {
        self.select.group_by.push(column.into_node());
        self
    }

    /// Keeps only groups that match the predicate.
    #[must_use]
    pub fn having(mut self, predicate: Predicate<S>) -> Self {
        self.select.having.push(predicate.node);
        self
    }

    /// The statement in this dialect, rendered without a database.
    ///
    /// # Errors
    ///
    /// `Unsupported` when the database lacks what the query asks for.
    pub fn to_sql(&self, dialect: Dialect) -> Result<RenderedSql> {
        writer::without_database(&self.select, dialect).map(RenderedSql)
    }
}
