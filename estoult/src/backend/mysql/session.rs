//! A MySQL or MariaDB connection at work.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures_util::TryStreamExt;
use sqlx::{
    AssertSqlSafe, Connection, Either, Executor, MySqlConnection, Row, SqlSafeStr,
    Statement as Prepared,
};

use super::{
    bind::arguments,
    classify::classify,
    decode::{MySqlCells, WireType, wire_types},
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

pub(super) struct MySqlSession {
    connection: MySqlConnection,
    dialect: Dialect,
    is_broken: bool,
}

impl fmt::Debug for MySqlSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MySqlSession")
            .field("dialect", &self.dialect)
            .field("is_broken", &self.is_broken)
            .finish()
    }
}

impl MySqlSession {
    /// Asks the server which of the two it is: MariaDB says so in its version.
    pub(super) async fn open(mut connection: MySqlConnection, is_read_only: bool) -> Result<Self> {
        let asked = connection.fetch_one("select version()").await;
        let version = asked.and_then(|row| row.try_get::<String, _>(0));
        let version =
            version.map_err(|error| classify("ask the server for its version", error, &[]))?;
        // As in `11.4.2-MariaDB`; MySQL's version is a number, perhaps with the name of a distribution.
        let is_mariadb = version.to_ascii_lowercase().contains("mariadb");
        let dialect = if is_mariadb {
            Dialect::MariaDb
        } else {
            Dialect::MySql
        };
        if is_read_only {
            // For all transactions of the session; unlike the setting before one BEGIN.
            let set = connection
                .execute("set session transaction read only")
                .await;
            set.map_err(|error| classify("make a session read only", error, &[]))?;
        }
        Ok(Self {
            connection,
            dialect,
            is_broken: false,
        })
    }

    /// The columns of a statement that has run without a row. It is prepared still, so this mostly asks no server.
    async fn column_names(&mut self, statement: &Statement) -> Vec<String> {
        let text = AssertSqlSafe(Arc::clone(&statement.sql)).into_sql_str();
        let prepared = self.connection.prepare(text).await;
        // Names are shown above no rows: not worth an error after the statement has run.
        prepared.map_or_else(|_| Vec::new(), |prepared| names(prepared.columns()))
    }

    fn fail(&mut self, error: sqlx::Error, statement: &Statement) -> Error {
        let error = lost_connection(error)
            .unwrap_or_else(|error| classify("run a statement", error, &statement.values));
        self.is_broken |= matches!(error.kind(), ErrorKind::Connection);
        of_statement(error, statement)
    }
}

#[async_trait]
impl Session for MySqlSession {
    fn features(&self) -> &'static Features {
        self.dialect.features()
    }

    async fn fetch(
        &mut self,
        statement: Statement,
        mut sink: Box<dyn Sink>,
    ) -> Result<Box<dyn Sink>> {
        let text = AssertSqlSafe(Arc::clone(&statement.sql));
        let arguments = arguments(&statement, self.dialect)?;
        let mut rows = self
            .connection
            .fetch_many(sqlx::query_with(text, arguments));
        let mut columns: Vec<WireType> = Vec::new();
        loop {
            match rows.try_next().await {
                Ok(None) => break,
                Ok(Some(Either::Left(done))) => sink.affected(done.rows_affected()),
                Ok(Some(Either::Right(row))) => {
                    if columns.is_empty() {
                        columns = wire_types(&row);
                    }
                    sink.row(&MySqlCells {
                        row: &row,
                        wire_types: &columns,
                    })
                    .map_err(|error| of_statement(error, &statement))?;
                }
                Err(error) => {
                    drop(rows);
                    return Err(self.fail(error, &statement));
                }
            }
        }
        drop(rows);
        if columns.is_empty() && sink.wants_columns() {
            sink.columns(self.column_names(&statement).await);
        }
        Ok(sink)
    }

    async fn execute(&mut self, statement: Statement) -> Result<Outcome> {
        let text = AssertSqlSafe(Arc::clone(&statement.sql));
        let arguments = arguments(&statement, self.dialect)?;
        match self
            .connection
            .execute(sqlx::query_with(text, arguments))
            .await
        {
            Ok(done) => Ok(Outcome {
                rows_affected: done.rows_affected(),
                last_insert_id: i64::try_from(done.last_insert_id()).ok(),
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
        // A failed ping marks the session broken, and the pool drops it.
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
