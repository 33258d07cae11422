//! The referee: makes the database of a run, clears it between batches, reads what was written, and
//! drops it at the end. Invariant: only raw drivers, and nothing here is timed.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::NaiveDateTime;
use mysql_async::prelude::Queryable;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use url::Url;

use crate::backend::Backend;
use crate::sample::{Note, Sample};
use crate::tables;
use crate::workload::{Answer, Result, Workload};

pub struct Referee {
    backend: Backend,
    runtime: Arc<Runtime>,
    connection: Connection,
    home: Home,
}

/// Where the database of the run is.
enum Home {
    File(TempDir),
    /// The server's URL, and the name of the database on it.
    Server(Url, String),
}

enum Connection {
    Sqlite(rusqlite::Connection),
    Postgres(tokio_postgres::Client),
    Mysql(Box<mysql_async::Conn>),
}

impl Referee {
    /// Makes a database with the tables and rows of the benches.
    pub fn new(backend: Backend, runtime: &Arc<Runtime>, sample: &Sample) -> Result<Self> {
        let home = match backend.server()? {
            None => Home::File(TempDir::with_prefix_in("estoult-bench-", memory())?),
            Some(server) => Home::Server(server, format!("estoult_bench_{}", std::process::id())),
        };
        if let Home::Server(server, name) = &home {
            let mut keeper = runtime.block_on(Connection::open(backend, server.as_str()))?;
            runtime.block_on(keeper.run(&format!("create database {name}")))?;
        }
        let connection = runtime.block_on(Connection::open(backend, &home.url()))?;
        let mut referee = Self {
            backend,
            runtime: Arc::clone(runtime),
            connection,
            home,
        };
        referee.fill(sample)?;
        Ok(referee)
    }

    /// The URL that the contenders connect to.
    pub fn url(&self) -> String {
        self.home.url()
    }

    /// Takes away what an earlier batch of inserts has written.
    pub fn clear(&mut self, workload: Workload) -> Result<()> {
        if workload.is_insert() {
            self.run(tables::clear(self.backend))
        } else {
            Ok(())
        }
    }

    /// The notes in the table, and the counters whose values were changed.
    pub fn written(&mut self, sample: &Sample) -> Result<Answer> {
        let notes = self.runtime.block_on(self.connection.notes())?;
        let counters = self.runtime.block_on(self.connection.counters())?;
        let fresh = |(id, value): &(i64, i64)| {
            sample
                .counters
                .iter()
                .any(|counter| counter.id == *id && counter.value == *value)
        };
        Ok(Answer::Written(
            notes,
            counters.into_iter().filter(|row| !fresh(row)).collect(),
        ))
    }

    /// Puts the tables that are written back to how they were.
    pub fn restore(&mut self, sample: &Sample) -> Result<()> {
        self.run(tables::clear(self.backend))?;
        for counter in &sample.counters {
            let (id, value) = (counter.id, counter.value);
            self.run(&format!(
                "update counters set value = {value} where id = {id} and value <> {value}"
            ))?;
        }
        Ok(())
    }

    fn fill(&mut self, sample: &Sample) -> Result<()> {
        for statement in tables::create(self.backend)
            .iter()
            .chain(&tables::fill(sample))
        {
            self.run(statement)?;
        }
        match self.backend {
            Backend::Sqlite => self.run("analyze"),
            Backend::Postgres => self.run("vacuum analyze"),
            Backend::Mysql => self.run("analyze table users, posts, readings, counters"),
        }
    }

    fn run(&mut self, statement: &str) -> Result<()> {
        self.runtime.block_on(self.connection.run(statement))
    }
}

impl Drop for Referee {
    fn drop(&mut self) {
        let Home::Server(server, name) = &self.home else {
            return;
        };
        let force = if self.backend == Backend::Postgres {
            " with (force)"
        } else {
            ""
        };
        let dropped = self.runtime.block_on(async {
            let mut keeper = Connection::open(self.backend, server.as_str()).await?;
            keeper.run(&format!("drop database {name}{force}")).await
        });
        if let Err(error) = dropped {
            eprintln!("drop database `{name}`: {error}");
        }
    }
}

impl Home {
    fn url(&self) -> String {
        match self {
            Self::File(folder) => format!("sqlite://{}", folder.path().join("bench.db").display()),
            Self::Server(server, name) => {
                let mut url = server.clone();
                url.set_path(name);
                url.to_string()
            }
        }
    }
}

/// A folder on a memory file system, so that no disk is measured; elsewhere the usual one.
fn memory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() {
        memory
    } else {
        std::env::temp_dir()
    }
}

impl Connection {
    async fn open(backend: Backend, url: &str) -> Result<Self> {
        Ok(match backend {
            Backend::Sqlite => {
                let connection = rusqlite::Connection::open(url.trim_start_matches("sqlite://"))?;
                connection
                    .execute_batch("pragma journal_mode = wal; pragma synchronous = normal")?;
                Self::Sqlite(connection)
            }
            Backend::Postgres => {
                let (client, driver) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
                tokio::spawn(driver);
                Self::Postgres(client)
            }
            Backend::Mysql => Self::Mysql(Box::new(mysql_async::Conn::from_url(url).await?)),
        })
    }

    async fn run(&mut self, statement: &str) -> Result<()> {
        match self {
            Self::Sqlite(connection) => connection.execute_batch(statement)?,
            Self::Postgres(client) => client.batch_execute(statement).await?,
            Self::Mysql(connection) => connection.query_drop(statement).await?,
        }
        Ok(())
    }

    async fn notes(&mut self) -> Result<Vec<Note>> {
        const SQL: &str = "select user_id, body, created_at from notes order by id";
        let note = |(user_id, body, created_at): (i64, String, NaiveDateTime)| Note {
            user_id,
            body,
            created_at,
        };
        Ok(match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare(SQL)?;
                let rows = statement.query_map([], |row| Ok(note(row.try_into()?)))?;
                rows.collect::<Result<_, _>>()?
            }
            Self::Postgres(client) => {
                let rows = client.query(SQL, &[]).await?;
                rows.iter()
                    .map(|row| note((row.get(0), row.get(1), row.get(2))))
                    .collect()
            }
            Self::Mysql(connection) => connection.query_map(SQL, note).await?,
        })
    }

    async fn counters(&mut self) -> Result<Vec<(i64, i64)>> {
        const SQL: &str = "select id, value from counters order by id";
        Ok(match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare(SQL)?;
                let rows = statement.query_map([], |row| row.try_into())?;
                rows.collect::<Result<_, _>>()?
            }
            Self::Postgres(client) => {
                let rows = client.query(SQL, &[]).await?;
                rows.iter().map(|row| (row.get(0), row.get(1))).collect()
            }
            Self::Mysql(connection) => connection.query(SQL).await?,
        })
    }
}
