//! A database for one test: made before it, dropped after it, also when it fails.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use estoult::{Database, Result, sql};
use tokio::runtime::{Builder, Runtime};

use super::servers;

static NEXT: AtomicU64 = AtomicU64::new(1);

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
    MySql,
}

/// A database of a test's own.
#[derive(Debug)]
pub(crate) struct Fresh {
    /// Where it is.
    pub(crate) url: String,
    name: String,
    folder: Option<PathBuf>,
    backend: Backend,
}

/// A multi-thread runtime with two workers.
pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

impl Fresh {
    /// Makes an empty database.
    pub(crate) fn new(backend: Backend) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("estoult_{}_{number}", std::process::id());
        if backend == Backend::Sqlite {
            let folder = std::env::temp_dir().join(&name);
            std::fs::create_dir_all(&folder).expect("a scratch folder");
            let url = format!("sqlite:{}", folder.join("test.db").display());
            return Self {
                url,
                name,
                folder: Some(folder),
                backend,
            };
        }
        let fresh = Self {
            url: at(server(backend), &name),
            name,
            folder: None,
            backend,
        };
        fresh
            .administer(&format!("create database {}", fresh.name))
            .expect("a fresh database");
        fresh
    }

    /// Which backend it is on.
    pub(crate) fn backend(&self) -> Backend {
        self.backend
    }

    /// Its name on the server.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The database with the default settings, not connected.
    pub(crate) fn database(&self) -> Database {
        Database::builder(&self.url).build().expect("a database")
    }

    fn administer(&self, statement: &str) -> Result<u64> {
        let database = Database::builder(server(self.backend))
            .max_connections(1)
            .build()?;
        std::thread::scope(|scope| {
            let work = || {
                runtime().block_on(async {
                    let lifespan = database.connect().await?;
                    let done = sql(statement).execute(&database).await?;
                    lifespan.close().await?;
                    Ok(done)
                })
            };
            scope
                .spawn(work)
                .join()
                .expect("a thread for the administration")
        })
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
            return;
        }
        let force = if self.backend == Backend::Postgres {
            " with (force)"
        } else {
            ""
        };
        // What is left goes with the server; a test's own failure must not be hidden by this one.
        let _ = self.administer(&format!("drop database {}{force}", self.name));
    }
}

pub(super) fn server(backend: Backend) -> &'static str {
    match backend {
        Backend::Postgres => servers::postgres_url(),
        Backend::MySql | Backend::Sqlite => servers::mysql_url(),
    }
}

/// The same server's URL with another database.
fn at(url: &str, name: &str) -> String {
    let (rest, query) = url
        .split_once('?')
        .map_or((url, None), |(rest, query)| (rest, Some(query)));
    let (server, _) = rest.rsplit_once('/').expect("an URL with a database");
    let query = query.map_or(String::new(), |query| format!("?{query}"));
    format!("{server}/{name}{query}")
}

/// Runs a test on a fresh, connected database.
pub(crate) fn run(backend: Backend, test: impl AsyncFnOnce(&Database) -> Result<()>) {
    let fresh = Fresh::new(backend);
    let database = fresh.database();
    let outcome = runtime().block_on(async {
        let lifespan = database.connect().await?;
        test(&database).await?;
        lifespan.close().await
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// Runs a test that opens its own handles on a fresh database.
pub(crate) fn run_fresh(backend: Backend, test: impl FnOnce(&Fresh) -> Result<()>) {
    if let Err(error) = test(&Fresh::new(backend)) {
        panic!("{error}");
    }
}
