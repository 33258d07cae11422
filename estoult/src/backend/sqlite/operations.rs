//! What the rest of estoult asks of a SQLite session.

use std::{
    any::Any,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use async_trait::async_trait;
use estoult_sql::session::changes_sqlite;
use tokio::task::coop::consume_budget;

use super::{
    execute,
    off_thread::off_thread,
    session::{Here, SqliteSession, gone},
};
use crate::{
    backend::{Features, Outcome, Release, Session, Statement, TransactionStatus},
    error::Result,
    row::Sink,
    sql::{self, Dialect, Syntax},
};

/// The text with which estoult begins a transaction that writes.
const BEGIN_WRITE: &str = "begin immediate";

#[async_trait]
impl Session for SqliteSession {
    fn features(&self) -> &'static Features {
        Dialect::Sqlite.features()
    }

    async fn fetch(
        &mut self,
        statement: Statement,
        mut sink: Box<dyn Sink>,
    ) -> Result<Box<dyn Sink>> {
        let program = self.prepare(&statement).await?;
        if self.may_run_here(&program, &statement) {
            consume_budget().await;
            let begun = Instant::now();
            let has_budget = program.has_budget();
            let ran = self.here(has_budget, |connection| {
                execute::fetch(connection, &statement, &mut *sink)
            });
            match ran {
                Here::Done(ran) => {
                    let ran = ran?;
                    self.note_here(&statement.sql, begun, Some(ran));
                    return Ok(sink);
                }
                Here::HasToWait => {
                    self.note_here(&statement.sql, begun, None);
                    sink.restart();
                }
            }
        }
        let sql = Arc::clone(&statement.sql);
        let (ran, sink) = self
            .elsewhere(move |connection| {
                let ran = execute::fetch(connection, &statement, &mut *sink)?;
                Ok((ran, sink))
            })
            .await?;
        self.note_elsewhere(&sql, ran, program.is_definition);
        Ok(sink)
    }

    async fn execute(&mut self, statement: Statement) -> Result<Outcome> {
        let program = self.prepare(&statement).await?;
        if self.may_run_here(&program, &statement) {
            consume_budget().await;
            let begun = Instant::now();
            let ran = self.here(program.has_budget(), |connection| {
                execute::execute(connection, &statement)
            });
            match ran {
                Here::Done(ran) => {
                    let (outcome, ran) = ran?;
                    self.note_here(&statement.sql, begun, Some(ran));
                    return Ok(outcome);
                }
                Here::HasToWait => self.note_here(&statement.sql, begun, None),
            }
        }
        let sql = Arc::clone(&statement.sql);
        let (outcome, ran) = self
            .elsewhere(move |connection| execute::execute(connection, &statement))
            .await?;
        self.note_elsewhere(&sql, ran, program.is_definition);
        Ok(outcome)
    }

    async fn batch(&mut self, script: &str, schemas: &[Arc<str>]) -> Result<()> {
        let script: Arc<str> = script.into();
        self.is_changed |= changes_sqlite(&script);
        if self.has_write(&script).await? {
            self.take_turns(schemas).await?;
        }
        let (watch, schemas) = (Arc::clone(&self.watch), Arc::clone(&self.schemas));
        self.elsewhere(move |connection| {
            let ran = execute::run_script(connection, &script, &watch);
            // It may have changed tables, also when it failed half way.
            schemas.note_definition();
            ran
        })
        .await
    }

    async fn control(&mut self, script: &str) -> Result<()> {
        self.run_control(script.to_owned()).await
    }

    async fn begin(&mut self, script: &str, schema: Option<&Arc<str>>) -> Result<()> {
        if script != BEGIN_WRITE {
            return self.run_control(script.to_owned()).await;
        }
        let Some(schema) = schema else {
            // BEGIN IMMEDIATE locks each file that is attached.
            let steps = self.attached.detach_all();
            self.carry_out(steps).await?;
            self.take_turns(&[]).await?;
            return self.run_control(script.to_owned()).await;
        };
        let schemas = [Arc::clone(schema)];
        self.open_schemas(&schemas).await?;
        self.take_turns(&schemas).await?;
        self.run_control("begin".to_owned()).await?;
        // The pragma takes the lock of its file alone, and has nothing to do in one that is not vacuumed by steps.
        let name = sql::quoted(schema, Syntax::SQLITE.quote);
        let begun = self
            .run_control(format!("pragma {name}.incremental_vacuum(1)"))
            .await;
        if begun.is_err() && self.transaction().is_open() {
            self.run_control("rollback".to_owned()).await?;
        }
        begun
    }

    async fn open_schemas(&mut self, schemas: &[Arc<str>]) -> Result<()> {
        let is_in_transaction = self.transaction().is_open();
        let steps = self.attached.steps(schemas, is_in_transaction)?;
        self.carry_out(steps).await
    }

    async fn create_schema(&mut self, name: &str) -> Result<()> {
        let (files, name) = (Arc::clone(&self.schemas), name.to_owned());
        off_thread(move || files.create(&name)).await
    }

    async fn drop_schema(&mut self, name: &str) -> Result<()> {
        // Opening it fails where there is none of this name. Connections, also this one, detach it before their next
        // statement, since the removal counts up the generation.
        let schema: Arc<str> = Arc::from(name);
        self.open_schemas(&[Arc::clone(&schema)]).await?;
        // A transaction that writes to it ends first: what it has done would be lost, though it was committed.
        self.take_turns(&[Arc::clone(&schema)]).await?;
        let files = Arc::clone(&self.schemas);
        let removed = off_thread(move || files.remove(&schema)).await;
        self.finish();
        removed
    }

    async fn schemas(&mut self) -> Result<Vec<String>> {
        let files = Arc::clone(&self.schemas);
        off_thread(move || files.names()).await
    }

    async fn ping(&mut self) -> Result<()> {
        // There is no server that could be lost, but the file may be another one by now.
        self.connection()?;
        self.file.check()
    }

    fn is_broken(&self) -> bool {
        self.connection.is_none() && self.away.is_none()
    }

    fn transaction(&self) -> TransactionStatus {
        match &self.connection {
            Some(connection) if !connection.is_autocommit() => TransactionStatus::Open,
            _ => TransactionStatus::Idle,
        }
    }

    fn transactions_ended(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }

    async fn recover(&mut self) -> Result<()> {
        if let Some(away) = &mut self.away {
            // The statement ends soon, since its next check interrupts it.
            self.connection = away.await.ok();
            self.away = None;
        }
        self.watch.set_abandoned(false);
        if self.is_attaching {
            // What the connection has open is not known any more.
            self.connection = None;
            return Err(gone());
        }
        // A read-only transaction has made the connection refuse writes.
        let access = if self.is_read_only { "on" } else { "off" };
        let end = if self.transaction().is_open() {
            "rollback; "
        } else {
            ""
        };
        self.run_control(format!("{end}pragma query_only = {access}"))
            .await
    }

    fn raw(&mut self) -> Option<&mut (dyn Any + Send)> {
        let connection = self.connection.as_mut()?;
        Some(connection)
    }

    fn is_prepared(&self) -> bool {
        self.is_prepared
    }

    fn note_prepared(&mut self) {
        (self.is_changed, self.is_prepared) = (false, true);
    }

    fn release(&mut self) -> Release {
        match self.transaction() {
            TransactionStatus::Open | TransactionStatus::Failed => Release::Recover,
            // Opening another one costs less than knowing how to undo it.
            TransactionStatus::Idle if self.is_changed => Release::Close,
            TransactionStatus::Idle => Release::Pool,
        }
    }

    fn is_read_only(&self) -> Option<bool> {
        let connection = self.connection.as_ref()?;
        connection.is_readonly("main").ok()
    }

    async fn close(mut self: Box<Self>) {
        if let Some(connection) = self.connection.take() {
            // Closing may write the last of the write-ahead log, which blocks. After a failure the log is still there
            // for the next connection.
            let _ = off_thread(move || {
                drop(connection);
                Ok(())
            })
            .await;
        }
    }
}
