//! A MySQL or MariaDB session: each operation is bracketed by what tells whether a transaction is open.
//!
//! Invariant: an operation is marked as owed before it begins, and as answered once all is known that it did.

use std::any::Any;

use async_trait::async_trait;
use sqlx::{Connection, Executor, MySqlConnection, Row};

use super::{
    bind::arguments,
    cancel::Canceller,
    classify::classify,
    transaction::{Ask, Transaction},
    wire::{Owed, Wire, rows},
};
use crate::{
    backend::{
        Features, Outcome, Release, Session, Statement, TransactionStatus, server::abandoned,
    },
    error::Result,
    row::Sink,
    sql::Dialect,
};

#[derive(Debug)]
pub(super) struct MySqlSession {
    wire: Wire,
    transaction: Transaction,
    canceller: Canceller,
    recoveries: u64,
    is_prepared: bool,
}

impl MySqlSession {
    /// Asks the server which of the two it is: MariaDB says so in its version.
    pub(super) async fn open(
        mut connection: MySqlConnection,
        canceller: Canceller,
        statement_cache: usize,
        is_read_only: bool,
    ) -> Result<Self> {
        let asked = "select version(), cast(connection_id() as unsigned)";
        let asked = rows(&mut connection, asked).await.and_then(|rows| {
            let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
            Ok((row.try_get::<String, _>(0)?, row.try_get::<u64, _>(1)?))
        });
        let (version, id) =
            asked.map_err(|error| classify("ask the server for its version", error, &[]))?;
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
            wire: Wire::new(connection, dialect, statement_cache),
            transaction: Transaction::default(),
            canceller: canceller.of_connection(id),
            recoveries: 0,
            is_prepared: false,
        })
    }

    /// Begins an operation; the program's own SQL may change more than rows.
    async fn before(&mut self, text: &str, is_own: bool) -> Result<Ask> {
        self.wire.owed = Owed::Answer;
        if is_own {
            return self.transaction.before_own(&mut self.wire, text).await;
        }
        Ok(Ask::Nothing)
    }

    async fn after<T>(&mut self, ask: Ask, outcome: Result<T>) -> Result<T> {
        self.wire.owed = Owed::Answer;
        let failure = outcome.as_ref().err();
        self.transaction.after(&mut self.wire, ask, failure).await;
        self.wire.owed = Owed::Nothing;
        outcome
    }
}

#[async_trait]
impl Session for MySqlSession {
    fn features(&self) -> &'static Features {
        self.wire.dialect.features()
    }

    async fn fetch(
        &mut self,
        statement: Statement,
        mut sink: Box<dyn Sink>,
    ) -> Result<Box<dyn Sink>> {
        let arguments = arguments(&statement, self.wire.dialect)?;
        let ask = self.before(&statement.sql, statement.is_raw).await?;
        let fetched = self.wire.fetch(&statement, arguments, sink.as_mut()).await;
        self.after(ask, fetched).await?;
        Ok(sink)
    }

    async fn execute(&mut self, statement: Statement) -> Result<Outcome> {
        let arguments = arguments(&statement, self.wire.dialect)?;
        let ask = self.before(&statement.sql, statement.is_raw).await?;
        let outcome = self.wire.execute(&statement, arguments).await;
        self.after(ask, outcome).await
    }

    async fn batch(&mut self, script: &str, _: &[std::sync::Arc<str>]) -> Result<()> {
        let ask = self.before(script, true).await?;
        let outcome = self.wire.run(script).await;
        self.after(ask, outcome).await
    }

    async fn control(&mut self, script: &str) -> Result<()> {
        let ask = self.before(script, false).await?;
        let outcome = self.wire.run(script).await;
        if outcome.is_ok() {
            let transaction = &mut self.transaction;
            transaction.after_control(&mut self.wire, script).await;
        }
        self.after(ask, outcome).await
    }

    async fn ping(&mut self) -> Result<()> {
        // A failed ping marks the session broken, and the pool drops it.
        let ask = self.before("", false).await?;
        let pinged = self.wire.ping().await;
        self.after(ask, pinged).await
    }

    fn is_broken(&self) -> bool {
        self.wire.is_broken
    }

    fn transaction(&self) -> TransactionStatus {
        self.transaction.status()
    }

    fn transactions_ended(&self) -> u64 {
        self.transaction.ended()
    }

    async fn recover(&mut self) -> Result<()> {
        if self.wire.is_broken {
            return Err(abandoned());
        }
        // A recovery that is dropped itself leaves nothing to use.
        self.wire.is_broken = true;
        match self.wire.owed {
            Owed::Nothing => {}
            Owed::Answer => {
                self.recoveries += 1;
                let mark = format!("estoult recovery {}", self.recoveries);
                let connection = &mut self.wire.connection;
                self.canceller.cancel(connection, &mark).await?;
            }
            // What follows can't be read.
            Owed::Parts => {
                self.canceller.end().await?;
                return Err(abandoned());
            }
        }
        self.wire.is_broken = false;
        // Also where none is known to be open: what was cancelled may have begun one.
        self.control("rollback").await
    }

    fn raw(&mut self) -> Option<&mut (dyn Any + Send)> {
        self.transaction.note_session_change();
        // What the work leaves behind when it is dropped half way is not known.
        self.wire.owed = Owed::Parts;
        Some(&mut self.wire.connection)
    }

    async fn end_raw(&mut self) {
        // A session that gives no answer is broken from then on.
        let _ = self.after(Ask::Status, Ok(())).await;
    }

    fn is_prepared(&self) -> bool {
        self.is_prepared
    }

    fn note_prepared(&mut self) {
        self.is_prepared = true;
        self.transaction.keep_session();
    }

    fn release(&mut self) -> Release {
        if self.transaction.is_session_changed() {
            Release::Close
        } else if self.transaction().is_open() {
            Release::Recover
        } else {
            Release::Pool
        }
    }

    async fn close(self: Box<Self>) {
        // After a failure the socket is closed all the same, which the server notices; no caller waits for the outcome.
        let _ = self.wire.connection.close().await;
    }
}
