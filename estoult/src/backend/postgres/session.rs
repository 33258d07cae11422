//! A PostgreSQL connection at work.

use std::{
    collections::HashMap,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use async_trait::async_trait;
use futures_util::TryStreamExt;
use sqlx::{
    Arguments, AssertSqlSafe, Connection, Either, Executor, PgConnection, SqlSafeStr,
    Statement as Prepared,
    postgres::{PgArguments, Postgres},
    query::Query,
};

use super::{
    bind::{PostgresValue, type_of},
    classify::{classify, is_stale_plan},
    decode::{PostgresCells, WireType, wire_types},
};
use crate::{
    backend::{
        Features, Outcome, Session, Statement,
        server::{lost_connection, names, of_statement},
    },
    error::{Error, ErrorKind, Result},
    row::Sink,
    sql::Dialect,
};

pub(super) struct PostgresSession {
    connection: PgConnection,
    is_broken: bool,
    /// The parameter types with which each raw text was first prepared: other types must not get its plan.
    raw_types: HashMap<Arc<str>, u64>,
}

impl fmt::Debug for PostgresSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSession")
            .field("is_broken", &self.is_broken)
            .finish()
    }
}

impl PostgresSession {
    pub(super) fn new(connection: PgConnection) -> Self {
        Self {
            connection,
            is_broken: false,
            raw_types: HashMap::new(),
        }
    }

    /// The text as it is prepared. The driver caches plans by text alone, so a raw text with values of other types than
    /// the first time gets another ending.
    fn text(&mut self, statement: &Statement) -> Arc<str> {
        if !statement.is_raw {
            return Arc::clone(&statement.sql);
        }
        let mut hasher = DefaultHasher::new();
        statement
            .values
            .iter()
            .for_each(|value| type_of(value).hash(&mut hasher));
        let types = hasher.finish();
        // A hash of 64 bits instead of the types: one text hardly meets more than two sets of them.
        let known = self.raw_types.get(&statement.sql).copied();
        match known {
            Some(known) if known != types => {
                Arc::from(format!("{}\n-- types {types:x}", statement.sql))
            }
            Some(_) => Arc::clone(&statement.sql),
            None => {
                self.raw_types.insert(Arc::clone(&statement.sql), types);
                Arc::clone(&statement.sql)
            }
        }
    }

    fn fail(&mut self, error: sqlx::Error, statement: &Statement) -> Error {
        let error = lost_connection(error)
            .unwrap_or_else(|error| classify("run a statement", error, &statement.values));
        self.is_broken |= matches!(error.kind(), ErrorKind::Connection);
        of_statement(error, statement)
    }

    /// After DDL the server refuses a cached plan whose columns have changed: forget all plans, so that a retry works.
    async fn forget_plans(&mut self) -> bool {
        self.connection.clear_cached_statements().await.is_ok()
    }

    /// The columns of a statement that has run without a row. It is prepared still, so this mostly asks no server.
    async fn column_names(&mut self, statement: &Statement) -> Vec<String> {
        let text = AssertSqlSafe(self.text(statement)).into_sql_str();
        let prepared = self.connection.prepare(text).await;
        // Names are shown above no rows: not worth an error after the statement has run.
        prepared.map_or_else(|_| Vec::new(), |prepared| names(prepared.columns()))
    }

    async fn fetch_once(
        &mut self,
        statement: &Statement,
        sink: &mut dyn Sink,
    ) -> std::result::Result<(), Failure> {
        let query = query(statement, self.text(statement)).map_err(Failure::Own)?;
        // `fetch` is the same stream behind one more adapter, which each row would pass.
        let mut rows = self.connection.fetch_many(query);
        let mut columns: Vec<WireType> = Vec::new();
        while let Some(next) = rows.try_next().await.map_err(Failure::Server)? {
            let row = match next {
                Either::Right(row) => row,
                Either::Left(done) => {
                    sink.affected(done.rows_affected());
                    continue;
                }
            };
            if columns.is_empty() {
                columns = wire_types(&row);
            }
            let taken = sink.row(&PostgresCells {
                row: &row,
                wire_types: &columns,
            });
            taken.map_err(Failure::Own)?;
        }
        drop(rows);
        if columns.is_empty() && sink.wants_columns() {
            sink.columns(self.column_names(statement).await);
        }
        Ok(())
    }
}

/// Where an error came from: only one of the server can mean a stale plan or a lost connection.
enum Failure {
    Own(Error),
    Server(sqlx::Error),
}

fn query(statement: &Statement, text: Arc<str>) -> Result<Query<'static, Postgres, PgArguments>> {
    let mut arguments = PgArguments::default();
    arguments.reserve(statement.values.len(), statement.values.len() * 16);
    for value in &statement.values {
        arguments.add(PostgresValue(value)).map_err(|error| {
            Error::new(ErrorKind::Decode, format!("bind a parameter: {error}"))
                .with_statement(&statement.sql)
        })?;
    }
    Ok(sqlx::query_with(AssertSqlSafe(text), arguments))
}

#[async_trait]
impl Session for PostgresSession {
    fn features(&self) -> &'static Features {
        Dialect::Postgres.features()
    }

    async fn fetch(
        &mut self,
        statement: Statement,
        mut sink: Box<dyn Sink>,
    ) -> Result<Box<dyn Sink>> {
        let mut is_retry = false;
        loop {
            match self.fetch_once(&statement, sink.as_mut()).await {
                Ok(()) => return Ok(sink),
                Err(Failure::Own(error)) => return Err(of_statement(error, &statement)),
                // The server refuses the plan before it sends a row, so the sink is still empty.
                Err(Failure::Server(error))
                    if !is_retry && is_stale_plan(&error) && self.forget_plans().await =>
                {
                    is_retry = true;
                }
                Err(Failure::Server(error)) => return Err(self.fail(error, &statement)),
            }
        }
    }

    async fn execute(&mut self, statement: Statement) -> Result<Outcome> {
        let query = query(&statement, self.text(&statement))?;
        match self.connection.execute(query).await {
            Ok(done) => Ok(Outcome {
                rows_affected: done.rows_affected(),
                last_insert_id: None,
            }),
            Err(error) => Err(self.fail(error, &statement)),
        }
    }

    async fn batch(&mut self, script: &str) -> Result<()> {
        let statement = Statement::plain(script);
        let text = AssertSqlSafe(Arc::clone(&statement.sql));
        match self.connection.execute(sqlx::raw_sql(text)).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.fail(error, &statement)),
        }
    }

    async fn ping(&mut self) -> Result<()> {
        let pinged = self.connection.ping().await;
        pinged.map_err(|error| self.fail(error, &Statement::plain("")))
    }

    fn is_broken(&self) -> bool {
        self.is_broken
    }

    async fn close(self: Box<Self>) {
        // After a failure the socket is closed all the same, which the server notices; no caller waits for the outcome.
        let _ = self.connection.close().await;
    }
}
