//! How to read: a [`Query`] has one slot a clause, so the order of calls does not matter, and is run by a verb.

mod insert;
mod plan;
mod raw;
mod refusal;
mod render;
mod route;
mod select;
mod site;
mod write;

use std::{fmt, future::Future, marker::PhantomData, sync::Arc};

pub(crate) use self::{
    insert::{bulk_size, insert, insert_rows},
    plan::{BoxFuture, Plan},
    raw::script,
    refusal::{check_key, check_values},
    render::{Renderer, quoted},
    route::{Call, Route},
    select::Select,
    site::{Site, check_schema},
    write::{delete_by_key, delete_where, row_exists, select_by_key, update_by_key, update_where},
};
pub use self::{
    plan::{Loaded, Rooted},
    raw::{Bindable, Sql, batch, sql},
    select::{RowOf, Selection},
};
use crate::{
    backend::{Dialect, Statement},
    database::{Reads, Writes, read, write as writing},
    error::Result,
    expr::{Node, Operand, Order, Predicate},
    schema::{Association, Column, Schema, Selected, Within},
    value::{Datum, IntoValue, Value},
};

/// A query for rows of `S`, each of which becomes an `R`.
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
    pub(crate) plan: Plan<R>,
    schema: PhantomData<fn() -> S>,
}

impl<S, R> Clone for Query<S, R> {
    fn clone(&self) -> Self {
        Self {
            select: self.select.clone(),
            plan: self.plan.clone(),
            schema: PhantomData,
        }
    }
}

impl<S, R> fmt::Debug for Query<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.select, f)
    }
}

/// A query for all rows of a schema, for a schema that has a column named `query`.
#[must_use]
pub fn query<S: Schema>() -> Query<S> {
    Query::new()
}

impl<S: Schema> Query<S> {
    pub(crate) fn new() -> Self {
        Self {
            select: Select::of(S::table()),
            plan: Plan::Rows(S::from_row),
            schema: PhantomData,
        }
    }

    /// Reads only these columns or expressions of each row: one, or a tuple of them.
    #[must_use]
    pub fn select<L: Selection<S>>(mut self, selection: L) -> Query<S, L::Output> {
        selection.select(&mut self.select.columns);
        Query {
            select: self.select,
            plan: Plan::Rows(L::decode),
            schema: PhantomData,
        }
    }

    /// Reads only the columns that this struct takes. The struct derives `FromRow` with `#[row(schema = …)]`.
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
        R::select(&mut selected);
        self.select.columns = selected.nodes;
        Query {
            select: self.select,
            plan: Plan::Rows(R::from_row),
            schema: PhantomData,
        }
    }

    /// Changes a column of all rows that the query's filters accept; run it with `update_all`.
    #[must_use]
    pub fn set<T: Value>(self, column: Column<S, T>, value: impl IntoValue<T>) -> UpdateAll<S> {
        UpdateAll::of(self.select).set(column, value)
    }

    /// Changes a column of all rows to what another column or an expression gives for each.
    #[must_use]
    pub fn set_to<T: Value>(self, column: Column<S, T>, value: impl Operand<S, T>) -> UpdateAll<S> {
        UpdateAll::of(self.select).set_to(column, value)
    }

    /// Deletes all rows that the query's filters accept, and tells how many.
    ///
    /// # Errors
    ///
    /// `Constraint` when other rows still need one of them; `Unsupported` when the query has more than filters.
    #[track_caller]
    pub fn delete_all<'a>(
        self,
        on: &'a (impl Writes<S::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<u64>> + Send + 'a {
        writing::delete_all(on.executor().erased(), self.select, Call::here())
    }
}

impl<S: Schema, R: Send + 'static> Query<S, R> {
    /// Runs on this database of the registry, whatever the default is: `Book::query().using("replica").all(&registry)`.
    ///
    /// A name that the registry does not know is an error when the query runs, and so is running it on another database
    /// than this one.
    #[must_use]
    pub fn using(mut self, name: impl AsRef<str>) -> Self {
        self.select.route.database = Some(Arc::from(name.as_ref()));
        self
    }

    /// Reads the tables of this schema of the database: those of this query and of its preloads, but for preloads whose
    /// schema names one itself.
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

    /// Keeps only rows for which the predicate holds; several filters must all hold.
    #[must_use]
    pub fn filter(mut self, predicate: Predicate<S>) -> Self {
        self.select.filters.push(predicate.node);
        self
    }

    /// Filters when there is a value, and leaves the query alone when there is none.
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

    /// Orders the rows; further calls order rows that are equal so far.
    #[must_use]
    pub fn order_by(mut self, order: Order<S>) -> Self {
        self.select.order.push(order.node);
        self
    }

    /// Takes at most so many rows.
    #[must_use]
    pub fn limit(mut self, rows: u64) -> Self {
        self.select.limit = Some(rows);
        self
    }

    /// Skips so many rows.
    #[must_use]
    pub fn offset(mut self, rows: u64) -> Self {
        self.select.offset = Some(rows);
        self
    }

    /// Leaves out rows that are equal to an earlier one.
    #[must_use]
    pub fn distinct(mut self) -> Self {
        self.select.is_distinct = true;
        self
    }

    /// Forms one row for each value of this column; further calls form one for each combination.
    #[must_use]
    pub fn group_by<T: Value>(mut self, column: Column<S, T>) -> Self {
        self.select
            .group_by
            .push(Node::column(S::table(), column.name));
        self
    }

    /// Keeps only groups for which the predicate holds.
    #[must_use]
    pub fn having(mut self, predicate: Predicate<S>) -> Self {
        self.select.having.push(predicate.node);
        self
    }

    /// Loads associated rows with one further statement; each row of the result becomes a tuple that holds them.
    #[must_use]
    pub fn preload<A>(self, association: A) -> Query<S, R::With>
    where
        A: Association<S>,
        R: Loaded<A::Loaded, Schema = S>,
        <A::Child as Schema>::Tenant: Within<S::Tenant>,
    {
        let plan = self.plan.preload(association);
        Query {
            select: self.select,
            plan,
            schema: PhantomData,
        }
    }

    /// All rows.
    ///
    /// # Errors
    ///
    /// `Connection` and `Timeout` when there is no connection, `Query` when the database refuses the statement,
    /// `Decode` when a row does not fit its type, `Unsupported` when the database lacks what the query asks for.
    #[track_caller]
    pub fn all<'a>(
        self,
        on: &'a (impl Reads<S::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<Vec<R>>> + Send + 'a {
        read::all(on.executor().erased(), self.select, self.plan, Call::here())
    }

    /// The only row.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is none, `TooMany` when there are several; else as for [`all`](Self::all).
    #[track_caller]
    pub fn one<'a>(
        self,
        on: &'a (impl Reads<S::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<R>> + Send + 'a {
        read::one(on.executor().erased(), self.select, self.plan, Call::here())
    }

    /// The only row, or none.
    ///
    /// # Errors
    ///
    /// `TooMany` when there are several; else as for [`all`](Self::all).
    #[track_caller]
    pub fn optional<'a>(
        self,
        on: &'a (impl Reads<S::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<Option<R>>> + Send + 'a {
        read::optional(on.executor().erased(), self.select, self.plan, Call::here())
    }

    /// The first row in the query's order, or none.
    ///
    /// # Errors
    ///
    /// As for [`all`](Self::all).
    #[track_caller]
    pub fn first<'a>(
        self,
        on: &'a (impl Reads<S::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<Option<R>>> + Send + 'a {
        read::first(on.executor().erased(), self.select, self.plan, Call::here())
    }

    /// How many rows there are; limit and offset count.
    ///
    /// # Errors
    ///
    /// As for [`all`](Self::all).
    #[track_caller]
    pub fn count<'a>(
        self,
        on: &'a (impl Reads<S::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<u64>> + Send + 'a {
        read::count(on.executor().erased(), self.select, Call::here())
    }

    /// Whether there is any row.
    ///
    /// # Errors
    ///
    /// As for [`all`](Self::all).
    #[track_caller]
    pub fn exists<'a>(
        self,
        on: &'a (impl Reads<S::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<bool>> + Send + 'a {
        read::exists(on.executor().erased(), self.select, Call::here())
    }

    /// The statement as this database gets it, without a database.
    ///
    /// # Errors
    ///
    /// `Unsupported` when the database lacks what the query asks for.
    pub fn to_sql(&self, dialect: Dialect) -> Result<RenderedSql> {
        self.select.to_sql(dialect).map(RenderedSql)
    }
}

/// A change of all rows that a query's filters accept.
pub struct UpdateAll<S> {
    select: Select,
    changes: Vec<(&'static str, crate::schema::ColumnName, Node)>,
    schema: PhantomData<fn() -> S>,
}

impl<S> fmt::Debug for UpdateAll<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpdateAll")
            .field("rows", &self.select)
            .finish()
    }
}

impl<S: Schema> UpdateAll<S> {
    fn of(select: Select) -> Self {
        Self {
            select,
            changes: Vec::new(),
            schema: PhantomData,
        }
    }

    /// Changes a further column.
    #[must_use]
    pub fn set<T: Value>(mut self, column: Column<S, T>, value: impl IntoValue<T>) -> Self {
        let value = Node::Value(value.into_value().to_datum());
        self.changes.push((S::table().name(), column.name, value));
        self
    }

    /// Changes a further column to what another column or an expression gives for each row.
    #[must_use]
    pub fn set_to<T: Value>(mut self, column: Column<S, T>, value: impl Operand<S, T>) -> Self {
        self.changes
            .push((S::table().name(), column.name, value.operand()));
        self
    }

    /// Changes the rows, and tells how many; times of update are set too.
    ///
    /// # Errors
    ///
    /// `Constraint` when a row would break one; `Unsupported` when the query has more than filters.
    #[track_caller]
    pub fn update_all<'a>(
        self,
        on: &'a (impl Writes<S::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<u64>> + Send + 'a {
        let changes = self
            .changes
            .into_iter()
            .map(|(_, name, node)| (name, node))
            .collect();
        writing::update_all(on.executor().erased(), self.select, changes, Call::here())
    }
}

/// A statement as a database gets it.
#[derive(Clone)]
pub struct RenderedSql(Statement);

impl RenderedSql {
    /// The text, with placeholders where values are bound.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.sql
    }

    /// The values in the order of the placeholders.
    #[must_use]
    pub fn values(&self) -> &[Datum] {
        &self.0.values
    }
}

impl fmt::Display for RenderedSql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Debug for RenderedSql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.text(), self.values())
    }
}
