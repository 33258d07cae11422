//! The verbs of raw SQL.
//!
//! Invariant: no SQL text here, and no database is named.

use std::future::Future;

use crate::{
    error::{ErrorKind, Result},
    query::{Sql, script},
    row::{Collected, FromRow, Rows, RowsSink, Sink},
    verbs::{
        call_site::CallSite,
        executor::{Executor, Reads, Writes},
        left_open::{check_script, check_statement},
        query::{at_most_one, exactly_one},
    },
};

impl Sql {
    /// All rows, whatever columns they have.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> estoult::Result<()> {
    /// # let database = estoult::Database::builder("sqlite::memory:").build()?;
    /// # let _lifespan = database.connect().await?;
    /// let rows = estoult::sql("select 1 as id, null as title").rows(&database).await?;
    /// assert_eq!(rows.columns(), ["id", "title"]);
    /// assert_eq!(rows.rows()[0][1].to_string(), "NULL");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`all`](Self::all), but a value that can't be read is no error: its [`Cell`](crate::row::Cell) has the
    /// reason.
    #[track_caller]
    pub fn rows<'a>(
        self,
        on: &'a (impl Reads + ?Sized),
    ) -> impl Future<Output = Result<Rows>> + Send + 'a {
        rows(on.executor().erased(), self, CallSite::here())
    }

    /// All rows. The columns of a struct are matched by name, those of a tuple by position.
    ///
    /// # Errors
    ///
    /// `Configuration` when a name has no value or a value no name, or when it begins a transaction on a connection
    /// that the caller does not keep; `Query` when the database refuses the statement;
    /// `Decode` when a row does not fit.
    #[track_caller]
    pub fn all<'a, R: FromRow>(
        self,
        on: &'a (impl Reads + ?Sized),
    ) -> impl Future<Output = Result<Vec<R>>> + Send + 'a {
        all(on.executor().erased(), self, CallSite::here())
    }

    /// The only row.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is none, `TooMany` when there are several; else as for [`all`](Self::all).
    #[track_caller]
    pub fn one<'a, R: FromRow>(
        self,
        on: &'a (impl Reads + ?Sized),
    ) -> impl Future<Output = Result<R>> + Send + 'a {
        let (on, call) = (on.executor().erased(), CallSite::here());
        async move {
            let rows = all(on, self, call.clone()).await?;
            call.run(async { exactly_one(rows, "the statement") }).await
        }
    }

    /// The only row, or none.
    ///
    /// # Errors
    ///
    /// `TooMany` when there are several; else as for [`all`](Self::all).
    #[track_caller]
    pub fn optional<'a, R: FromRow>(
        self,
        on: &'a (impl Reads + ?Sized),
    ) -> impl Future<Output = Result<Option<R>>> + Send + 'a {
        let (on, call) = (on.executor().erased(), CallSite::here());
        async move {
            let rows = all(on, self, call.clone()).await?;
            call.run(async { at_most_one(rows, "the statement") }).await
        }
    }

    /// Runs the statement and returns the number of rows that it changed.
    ///
    /// # Errors
    ///
    /// As for [`all`](Self::all), and `Constraint` when a row would violate one.
    #[track_caller]
    pub fn execute<'a>(
        self,
        on: &'a (impl Writes + ?Sized),
    ) -> impl Future<Output = Result<u64>> + Send + 'a {
        execute(on.executor().erased(), self, CallSite::here())
    }
}

/// Runs a script of several statements without parameters. `{schema}.` is replaced as in [`sql`](fn@crate::sql).
///
/// # Errors
///
/// Whatever the database answers, by kind. Outside of a transaction the statements before the failing one may have
/// taken effect. `Configuration` when it would leave a transaction open on a connection that the caller does not keep.
#[track_caller]
pub fn batch<'a>(
    on: &'a (impl Writes + ?Sized),
    script: &'a str,
) -> impl Future<Output = Result<()>> + Send + 'a {
    run_script(on.executor().erased(), script, CallSite::here())
}

async fn all<R: FromRow>(on: Executor<'_>, sql: Sql, call: CallSite) -> Result<Vec<R>> {
    let sink = Collected::new(R::from_row, "").by_name(R::columns());
    call.run(async { Collected::from_sink(fetch(on, &sql, &call, Box::new(sink)).await?) })
        .await
}

async fn rows(on: Executor<'_>, sql: Sql, call: CallSite) -> Result<Rows> {
    call.run(async {
        RowsSink::from_sink(fetch(on, &sql, &call, Box::<RowsSink>::default()).await?)
    })
    .await
}

/// Runs a statement for its rows.
async fn fetch(
    on: Executor<'_>,
    sql: &Sql,
    call: &CallSite,
    sink: Box<dyn Sink>,
) -> Result<Box<dyn Sink>> {
    let target = on.target(call, &sql.route, None).await?;
    let statement = sql.statement(&target.context())?;
    target.check_ended(|dialect| check_statement(&statement.sql, dialect))?;
    let mut connection = target.acquire().await?;
    let fetched = connection.fetch(statement, sink).await;
    let fetched = connection.ended(fetched);
    // Raw SQL with rows may write, which only the session finds out; its error does not know the database's name.
    fetched.map_err(|error| match on.database(&sql.route, None) {
        Ok(database) if matches!(error.kind(), ErrorKind::ReadOnly) => {
            error.context(&format!("run a statement on {database}"))
        }
        _ => error,
    })
}

async fn execute(on: Executor<'_>, sql: Sql, call: CallSite) -> Result<u64> {
    call.run(async {
        let target = on.target_to_write(&call, &sql.route, None).await?;
        let statement = sql.statement(&target.context())?;
        target.check_ended(|dialect| check_statement(&statement.sql, dialect))?;
        let mut connection = target.acquire().await?;
        let outcome = connection.execute(statement).await;
        Ok(connection.ended(outcome)?.rows_affected)
    })
    .await
}

async fn run_script(on: Executor<'_>, text: &str, call: CallSite) -> Result<()> {
    call.run(async {
        let target = on.target_to_write(&call, &call.route(), None).await?;
        let context = target.context();
        let (text, schemas) = script(text, &context)?;
        target.check_ended(|dialect| check_script(&text, dialect))?;
        let mut connection = target.acquire().await?;
        let ran = connection.batch(&text, &schemas).await;
        connection.ended(ran)
    })
    .await
}
