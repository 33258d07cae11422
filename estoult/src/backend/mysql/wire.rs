//! The connection of the driver, and what it still has to answer.
//!
//! Invariant: what is owed is noted before anything is sent, since a future may be dropped at any await.

use std::{collections::HashSet, sync::Arc};

use futures_util::TryStreamExt;
use sqlx::{
    AssertSqlSafe, Connection, Either, Executor, MySqlConnection, Row, SqlSafeStr,
    Statement as Prepared,
    mysql::{MySqlArguments, MySqlRow},
};

use super::{
    classify::{classify, closes_connection},
    decode::{MySqlCells, WireType, wire_types},
};
use crate::{
    backend::{
        Outcome, Statement,
        server::{lost_connection, names, of_statement},
    },
    error::{Error, ErrorKind, Result},
    row::Sink,
    sql::Dialect,
};

/// What the server still has to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owed {
    Nothing,
    Answer,
    /// An answer of many parts, rows or what a text was prepared to. The driver loses its place in it when it is
    /// dropped.
    Parts,
}

/// A connection, and what is known of its use.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) connection: MySqlConnection,
    pub(super) dialect: Dialect,
    pub(super) owed: Owed,
    pub(super) is_broken: bool,
    /// The texts that the driver keeps prepared.
    prepared: HashSet<Arc<str>>,
    statement_cache: usize,
}

impl Wire {
    pub(super) fn new(
        connection: MySqlConnection,
        dialect: Dialect,
        statement_cache: usize,
    ) -> Self {
        Self {
            connection,
            dialect,
            owed: Owed::Nothing,
            is_broken: false,
            prepared: HashSet::new(),
            statement_cache,
        }
    }

    /// Prepares a text by itself at its first use, so that it is known in which answer a future was dropped.
    async fn prepare(&mut self, statement: &Statement) -> Result<()> {
        if self.prepared.contains(&statement.sql) {
            return Ok(());
        }
        self.owed = Owed::Parts;
        // Without a cache the driver prepares a text each time.
        if self.statement_cache == 0 {
            return Ok(());
        }
        let text = AssertSqlSafe(Arc::clone(&statement.sql)).into_sql_str();
        let prepared = self.connection.prepare(text).await;
        self.owed = Owed::Answer;
        prepared.map_err(|error| self.fail(error, statement))?;
        // The driver keeps the latest texts, among them all that were used since the set was cleared.
        if self.prepared.len() == self.statement_cache {
            self.prepared.clear();
        }
        self.prepared.insert(Arc::clone(&statement.sql));
        Ok(())
    }

    /// Runs a statement and hands each row to the sink.
    pub(super) async fn fetch(
        &mut self,
        statement: &Statement,
        arguments: MySqlArguments,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        self.prepare(statement).await?;
        let text = AssertSqlSafe(Arc::clone(&statement.sql));
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
                        self.owed = Owed::Parts;
                    }
                    sink.row(&MySqlCells {
                        row: &row,
                        wire_types: &columns,
                    })
                    .map_err(|error| of_statement(error, statement))?;
                }
                Err(error) => {
                    drop(rows);
                    return Err(self.fail(error, statement));
                }
            }
        }
        drop(rows);
        self.owed = Owed::Answer;
        if columns.is_empty() && sink.wants_columns() {
            sink.columns(self.column_names(statement).await);
        }
        Ok(())
    }

    /// The columns of a statement that has run without a row. It is prepared still, so this mostly asks no server.
    async fn column_names(&mut self, statement: &Statement) -> Vec<String> {
        let text = AssertSqlSafe(Arc::clone(&statement.sql)).into_sql_str();
        let prepared = self.connection.prepare(text).await;
        // Names are shown above no rows: not worth an error after the statement has run.
        prepared.map_or_else(|_| Vec::new(), |prepared| names(prepared.columns()))
    }

    /// Runs a statement and ignores its rows.
    pub(super) async fn execute(
        &mut self,
        statement: &Statement,
        arguments: MySqlArguments,
    ) -> Result<Outcome> {
        self.prepare(statement).await?;
        let text = AssertSqlSafe(Arc::clone(&statement.sql));
        let query = sqlx::query_with(text, arguments);
        match self.connection.execute(query).await {
            Ok(done) => Ok(Outcome {
                rows_affected: done.rows_affected(),
                last_insert_id: i64::try_from(done.last_insert_id()).ok(),
            }),
            Err(error) => Err(self.fail(error, statement)),
        }
    }

    /// Runs a script in the text protocol.
    pub(super) async fn run(&mut self, script: &str) -> Result<()> {
        let statement = Statement::plain(script);
        let text = AssertSqlSafe(Arc::clone(&statement.sql));
        match self.connection.execute(sqlx::raw_sql(text)).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.fail(error, &statement)),
        }
    }

    /// The number that a statement of estoult's own selects.
    pub(super) async fn number(&mut self, select: &str) -> Result<i64> {
        // The servers report settings with different types, all of them numbers.
        let select = format!("select cast(({select}) as signed)");
        let asked = rows(&mut self.connection, &select).await.and_then(|rows| {
            let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
            row.try_get(0)
        });
        asked.map_err(|error| self.fail(error, &Statement::plain(select)))
    }

    /// Checks that the server still answers.
    pub(super) async fn ping(&mut self) -> Result<()> {
        let pinged = self.connection.ping().await;
        pinged.map_err(|error| self.fail(error, &Statement::plain("")))
    }

    fn fail(&mut self, error: sqlx::Error, statement: &Statement) -> Error {
        let error = lost_connection(error)
            .unwrap_or_else(|error| classify("run a statement", error, &statement.values));
        self.is_broken |=
            matches!(error.kind(), ErrorKind::Connection) || closes_connection(&error);
        of_statement(error, statement)
    }
}

/// The rows of a statement in the text protocol, which prepares nothing.
pub(super) async fn rows(
    connection: &mut MySqlConnection,
    text: &str,
) -> sqlx::Result<Vec<MySqlRow>> {
    let text = AssertSqlSafe(text.to_owned());
    connection.fetch_all(sqlx::raw_sql(text)).await
}
