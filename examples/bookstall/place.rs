//! The database of a self-test, and what is visible there from outside the server under test.

use std::{
    env,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use estoult::{Database, Dialect, Registry, Schema, batch, run_sync, sql};
use tempfile::TempDir;

use crate::{
    Outcome,
    site::{self, CONNECTIONS},
    stall::{Book, Note, Order},
};

/// How long a server may take to notice a closed connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// The database of `DATABASE_URL`, or a SQLite file in a temporary folder.
#[derive(Debug)]
pub(crate) struct Place {
    url: String,
    /// Its drop removes it with all files.
    folder: Option<TempDir>,
}

/// What the server under test has left behind.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) books: u64,
    pub(crate) orders: u64,
    pub(crate) notes: Vec<String>,
}

impl Place {
    pub(crate) fn new() -> Outcome<Self> {
        let place = match env::var("DATABASE_URL") {
            Ok(url) => Self { url, folder: None },
            Err(_) => {
                let folder = tempfile::tempdir()?;
                let file = folder.path().join("bookstall.db");
                Self {
                    url: format!("sqlite:{}", file.display()),
                    folder: Some(folder),
                }
            }
        };
        place.refuse_a_stall()?;
        Ok(place)
    }

    /// The databases of a server, not connected yet.
    pub(crate) fn registry(&self) -> estoult::Result<Registry> {
        site::registry(&self.url)
    }

    /// What the server under test wrote. It must have ended.
    pub(crate) fn left(&self) -> estoult::Result<Left> {
        self.look(|registry| {
            let notes = Note::query().select(Note::text).order_by(Note::id.asc());
            Ok(Left {
                books: run_sync(Book::query().count(registry))?,
                orders: run_sync(Order::query().count(registry))?,
                notes: run_sync(notes.all(registry))?,
            })
        })
    }

    /// Removes the tables again.
    pub(crate) fn clear(&self) -> estoult::Result<()> {
        self.look(|registry| {
            run_sync(batch(
                registry,
                "drop table stall_notes; drop table stall_orders; drop table stall_books",
            ))
        })
    }

    /// The connections that the database lists, without this one; `None` for SQLite, which has no list.
    pub(crate) fn listed(&self) -> estoult::Result<Option<usize>> {
        self.look(|registry| {
            let list = match registry.default_database().dialect() {
                Dialect::Sqlite => return Ok(None),
                Dialect::Postgres => {
                    "select count(*) from pg_stat_activity where datname = current_database() \
                     and backend_type = 'client backend' and pid <> pg_backend_pid()"
                }
                _ => {
                    "select count(*) from information_schema.processlist \
                     where db = database() and id <> connection_id()"
                }
            };
            let (count,): (i64,) = run_sync(sql(list).one(registry))?;
            Ok(Some(usize::try_from(count).unwrap_or_default()))
        })
    }

    /// Waits until no connection is open.
    pub(crate) fn expect_no_connection(&self) -> Outcome<&'static str> {
        self.expect_no_journal()?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.listed()? {
                None => return Ok("SQLite's journal is gone, which the last connection removes"),
                Some(0) => return Ok("the server lists no connection"),
                Some(listed) if Instant::now() > deadline => {
                    return Err(format!(
                        "the server still lists {listed} connections; the self-test needs a database of its own"
                    )
                    .into());
                }
                Some(_) => thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// The journal of a SQLite file exists as long as a program has the file open.
    fn expect_no_journal(&self) -> Outcome {
        let journal = self
            .folder
            .as_ref()
            .map(|folder| folder.path().join("bookstall.db-wal"));
        if journal.as_ref().is_some_and(|journal| journal.exists()) {
            // Of two connections that close at once, each may leave the removal to the other; a single one removes it.
            self.look(|registry| run_sync(Book::query().count(registry)))?;
        }
        match journal.filter(|journal: &PathBuf| journal.exists()) {
            Some(journal) => {
                Err(format!("{} exists: a connection is still open", journal.display()).into())
            }
            None => Ok(()),
        }
    }

    fn refuse_a_stall(&self) -> Outcome {
        let is_there = self.look(|registry| Ok(run_sync(Book::query().count(registry)).is_ok()))?;
        if is_there {
            return Err(
                "the database of DATABASE_URL has a table `stall_books`, and the self-test would \
                 remove it; name another database"
                    .into(),
            );
        }
        Ok(())
    }

    /// Looks at the database through a connection of its own, and closes it.
    fn look<T>(&self, ask: impl FnOnce(&Registry) -> estoult::Result<T>) -> estoult::Result<T> {
        let registry =
            Registry::builder(Database::builder(&self.url).max_connections(1)).build()?;
        registry.with_async_env(|| ask(&registry))
    }
}

/// Checks that the server does not have too many connections.
pub(crate) fn expect_budget(listed: Option<usize>) -> Outcome<String> {
    match listed {
        Some(0) => Err("the server lists no connection, though requests were answered".into()),
        Some(listed) if listed > CONNECTIONS => Err(format!(
            "the server lists {listed} connections; {CONNECTIONS} is the most there may be"
        )
        .into()),
        Some(listed) => Ok(format!(
            "{listed} of at most {CONNECTIONS} connections are open"
        )),
        None => Ok("SQLite has no list of connections".to_owned()),
    }
}
