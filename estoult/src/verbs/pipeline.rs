//! Pipelines: independent statements that are sent together and answered together, in one round trip where the database
//! takes them so.
//!
//! Invariant: no SQL text here, and no database is named.

use std::{future::Future, marker::PhantomData};

use crate::{
    backend::{Statement, WithSink},
    database::{
        Database, Pinned, ReadOnlyDatabase, ReadOnlyPinned, ReadOnlyTransaction, Transaction,
    },
    error::{Error, Result},
    query::{Loader, Query, Sql, UpdateAll},
    registry::Registry,
    row::{Affected, Collected, FromRow, Sink},
    sql::Dialect,
    statement::Route,
    table::{Model, Table, Untenanted},
    verbs::{
        bulk::all_of,
        call_site::CallSite,
        executor::{Executor, Reads},
        left_open::check_statement,
        target::Target,
    },
    writer::{self, SqlContext},
};

/// What a pipeline consists of: a [`Query`], an [`UpdateAll`], raw SQL, or a tuple or a `Vec` of these.
///
/// The output of a query is `Result<Vec<R>>`, that of an update and of raw SQL `Result<u64>`; [`Sql::into_rows`] asks
/// for the rows of raw SQL. The output of a tuple is a tuple of outputs, that of a `Vec` a `Vec`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be part of a pipeline",
    label = "not a statement",
    note = "a pipeline takes queries, updates with `set`, raw SQL, and tuples and `Vec`s of these"
)]
pub trait Pipelined<T = Untenanted>: Sized {
    /// What it becomes.
    type Output: Send;
    /// Where its outcome is found.
    #[doc(hidden)]
    type Place: Send;

    /// Adds it to a pipeline.
    #[doc(hidden)]
    fn add(self, pipeline: &mut Pipeline) -> Self::Place;

    /// Its outcome.
    #[doc(hidden)]
    fn take(place: Self::Place, outcomes: &mut Outcomes) -> Self::Output;
}

/// The statements of a pipeline, still to be rendered.
#[doc(hidden)]
#[derive(Default)]
pub struct Pipeline(Vec<Entry>);

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pipeline({} statements)", self.0.len())
    }
}

/// The outcomes of a pipeline, each to be taken once.
#[doc(hidden)]
pub struct Outcomes(Vec<Option<Result<Box<dyn Sink>>>>);

impl std::fmt::Debug for Outcomes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Outcomes({} statements)", self.0.len())
    }
}

impl Outcomes {
    fn take(&mut self, place: usize) -> Result<Box<dyn Sink>> {
        let outcome = self.0.get_mut(place).and_then(Option::take);
        outcome.unwrap_or_else(|| {
            Err(Error::internal(
                "a statement of a pipeline has no outcome, or two callers took it",
            ))
        })
    }
}

type Render = Box<dyn FnOnce(&SqlContext<'_>) -> Result<Statement> + Send>;

struct Entry {
    route: Route,
    table: Option<&'static Table>,
    writes: bool,
    render: Render,
    sink: Box<dyn Sink>,
}

impl Pipeline {
    fn push(&mut self, entry: Entry) -> usize {
        self.0.push(entry);
        self.0.len() - 1
    }
}

impl<S: Model, R: Send + 'static> Pipelined<S::Tenant> for Query<S, R> {
    type Output = Result<Vec<R>>;
    type Place = usize;

    fn add(self, pipeline: &mut Pipeline) -> usize {
        let (select, loader) = (self.select, self.loader);
        let table = select.table();
        let decode = match &loader {
            Loader::Rows(decode) => Some(*decode),
            Loader::Preload(_) => None,
        };
        let sink: Box<dyn Sink> = match decode {
            Some(decode) => Box::new(Collected::new(decode, table.name())),
            None => Box::<Affected>::default(),
        };
        pipeline.push(Entry {
            route: select.route.clone(),
            table: Some(table),
            writes: false,
            render: Box::new(move |context| match decode {
                Some(_) => writer::select(&select, context),
                None => Err(Error::configuration(
                    "run a pipeline: a query with preloads runs further statements that depend on its rows; run it by \
                     itself",
                )),
            }),
            sink,
        })
    }

    fn take(place: usize, outcomes: &mut Outcomes) -> Result<Vec<R>> {
        Collected::from_sink(outcomes.take(place)?)
    }
}

impl<S: Model> Pipelined<S::Tenant> for UpdateAll<S> {
    type Output = Result<u64>;
    type Place = usize;

    fn add(self, pipeline: &mut Pipeline) -> usize {
        pipeline.push(Entry {
            route: self.rows.route.clone(),
            table: Some(S::table_spec()),
            writes: true,
            render: Box::new(move |context| {
                let (update, rows) = all_of(self)?;
                writer::update(&update, &rows, context)
            }),
            sink: Box::<Affected>::default(),
        })
    }

    fn take(place: usize, outcomes: &mut Outcomes) -> Result<u64> {
        Affected::from_sink(outcomes.take(place)?)
    }
}

impl<T> Pipelined<T> for Sql {
    type Output = Result<u64>;
    type Place = usize;

    fn add(self, pipeline: &mut Pipeline) -> usize {
        pipeline.push(Entry {
            route: self.route.clone(),
            table: None,
            writes: true,
            render: Box::new(move |context| self.statement(context)),
            sink: Box::<Affected>::default(),
        })
    }

    fn take(place: usize, outcomes: &mut Outcomes) -> Result<u64> {
        Affected::from_sink(outcomes.take(place)?)
    }
}

/// Raw SQL whose rows are read as an `R`, in a pipeline; see [`Sql::into_rows`].
#[derive(Debug)]
pub struct SqlRows<R> {
    sql: Sql,
    rows: PhantomData<fn() -> R>,
}

impl Sql {
    /// The statement with the type of its rows, for a pipeline; elsewhere [`all`](Self::all) says it.
    pub fn into_rows<R: FromRow>(self) -> SqlRows<R> {
        SqlRows {
            sql: self,
            rows: PhantomData,
        }
    }
}

impl<T, R: FromRow> Pipelined<T> for SqlRows<R> {
    type Output = Result<Vec<R>>;
    type Place = usize;

    fn add(self, pipeline: &mut Pipeline) -> usize {
        let sql = self.sql;
        pipeline.push(Entry {
            route: sql.route.clone(),
            table: None,
            writes: false,
            render: Box::new(move |context| sql.statement(context)),
            sink: Box::new(Collected::new(R::from_row, "").by_name(R::columns())),
        })
    }

    fn take(place: usize, outcomes: &mut Outcomes) -> Result<Vec<R>> {
        Collected::from_sink(outcomes.take(place)?)
    }
}

impl<T, P: Pipelined<T>> Pipelined<T> for Vec<P> {
    type Output = Vec<P::Output>;
    type Place = Vec<P::Place>;

    fn add(self, pipeline: &mut Pipeline) -> Self::Place {
        self.into_iter().map(|part| part.add(pipeline)).collect()
    }

    fn take(places: Self::Place, outcomes: &mut Outcomes) -> Self::Output {
        let places = places.into_iter();
        places.map(|place| P::take(place, outcomes)).collect()
    }
}

macro_rules! tuples {
    ($(($($part:ident $place:ident)+))+) => {$(
        #[diagnostic::do_not_recommend]
        impl<T, $($part: Pipelined<T>),+> Pipelined<T> for ($($part,)+) {
            type Output = ($($part::Output,)+);
            type Place = ($($part::Place,)+);

            fn add(self, pipeline: &mut Pipeline) -> Self::Place {
                let ($($place,)+) = self;
                ($($place.add(pipeline),)+)
            }

            fn take(($($place,)+): Self::Place, outcomes: &mut Outcomes) -> Self::Output {
                ($($part::take($place, outcomes),)+)
            }
        }
    )+};
}

tuples! {
    (A a)
    (A a B b)
    (A a B b C c)
    (A a B b C c D d)
    (A a B b C c D d E e)
    (A a B b C c D d E e F f)
    (A a B b C c D d E e F f G g)
    (A a B b C c D d E e F f G g H h)
}

/// Sends independent statements together, and gives the outcome of each.
///
/// Outside of a transaction each statement commits by itself, whatever becomes of the others; in a transaction of
/// PostgreSQL a failure aborts those behind it. All go to one database, over one connection. PostgreSQL answers them in
/// one round trip; elsewhere they run one after the other. A pipeline has as much time as the statement with the
/// longest [`timeout`](Sql::timeout); one without counts with that of the database. When it is dropped, the statement
/// that runs is cancelled, and outside of a transaction those behind it don't run. Behind a pooler of PostgreSQL, with
/// `statement_cache_capacity=0`, they may.
///
/// ```
/// # use estoult::{Database, Schema, sql};
/// #[derive(Debug, Schema)]
/// struct Book { id: i64, title: String, year: i32 }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> estoult::Result<()> {
/// # let database = Database::builder("sqlite::memory:").build()?;
/// # let lifespan = database.connect().await?;
/// # let table = "create table books (id integer primary key, title text not null, year integer not null)";
/// # sql(table).execute(&database).await?;
/// let old = Book::query().filter(Book::year.lt(1900));
/// let total = sql("select count(*) from books").into_rows::<(i64,)>();
/// let (old, total) = database.pipeline((old, total)).await?;
/// assert!(old?.is_empty());
/// assert_eq!(total?, [(0,)]);
/// # lifespan.close().await
/// # }
/// ```
///
/// # Errors
///
/// `Connection` and `Timeout` when there is no connection, `Configuration` when the statements are for several
/// databases or one has preloads, `ReadOnly` when one may write to a database that is only read; then none is sent. Raw
/// SQL without [`into_rows`](Sql::into_rows) counts as such. What happens to a single statement is in its own outcome,
/// also when the time is over or the connection is lost: those that were answered before keep theirs, of the others it
/// says that it is not known.
#[track_caller]
pub fn pipeline<'a, T: 'a, P: Pipelined<T>>(
    on: &'a (impl Reads<T> + ?Sized),
    statements: P,
) -> impl Future<Output = Result<P::Output>> + Send + 'a
where
    P::Place: 'a,
{
    let mut pipeline = Pipeline::default();
    let place = statements.add(&mut pipeline);
    let (on, call) = (on.executor().erased(), CallSite::here());
    async move {
        let mut outcomes = run(on, pipeline, call).await?;
        Ok(P::take(place, &mut outcomes))
    }
}

async fn run(on: Executor<'_>, pipeline: Pipeline, call: CallSite) -> Result<Outcomes> {
    call.run(async {
        let mut first: Option<Target<'_>> = None;
        let timeouts: Vec<_> = pipeline.0.iter().map(|entry| entry.route.timeout).collect();
        let mut statements = Vec::with_capacity(pipeline.0.len());
        for entry in pipeline.0 {
            let target = if entry.writes {
                on.target_to_write(&call, &entry.route, entry.table).await?
            } else {
                on.target(&call, &entry.route, entry.table).await?
            };
            statements.push(((entry.render)(&target.context())?, entry.sink));
            let first = first.get_or_insert(target);
            first.check_same(on.database(&entry.route, entry.table)?)?;
        }
        let Some(mut target) = first else {
            return Ok(Outcomes(Vec::new()));
        };
        target.set_longest_timeout(&timeouts);
        target.check_ended(|dialect| check_statements(&statements, dialect))?;
        let mut connection = target.acquire().await?;
        let outcomes = connection.pipeline(statements).await;
        let outcomes = connection.ended(outcomes)?;
        let located = outcomes
            .into_iter()
            .map(|outcome| Some(outcome.map_err(|error| error.at(call.origin))));
        Ok(Outcomes(located.collect()))
    })
    .await
}

/// Refuses raw SQL that begins a transaction, to which all behind it would belong.
fn check_statements(statements: &[WithSink], dialect: Dialect) -> Result<()> {
    let mut raw = statements.iter().filter(|(statement, _)| statement.is_raw);
    raw.try_for_each(|(statement, _)| check_statement(&statement.sql, dialect))
}

macro_rules! handles {
    ($($handle:ty)+) => {$(
        impl $handle {
            /// Sends independent statements together; see [`pipeline`](crate::pipeline::pipeline).
            ///
            /// # Errors
            ///
            /// `Connection` and `Timeout` when there is no connection, `Configuration` when the statements are for
            /// several databases or one has preloads, `ReadOnly` when one may write to a database that is only read.
            #[track_caller]
            pub fn pipeline<'a, P: Pipelined + 'a>(
                &'a self,
                statements: P,
            ) -> impl Future<Output = Result<P::Output>> + Send + 'a {
                pipeline(self, statements)
            }
        }
    )+};
}

handles! { Database Pinned ReadOnlyDatabase ReadOnlyPinned ReadOnlyTransaction Registry Transaction }
