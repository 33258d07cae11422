//! SQLite through rusqlite: each statement runs in one hop to a thread that may block, or on the present thread where
//! blocking is allowed, and its rows are decoded there.

mod bind;
mod classify;
mod decimal;
mod decode;
mod lock_wait;
mod schemas;
mod session;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use once_cell::sync::OnceCell;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use self::{
    classify::classify,
    schemas::{MainDatabase, SchemaFiles},
    session::{SqliteSession, off_thread},
};
use crate::{
    backend::{Backend, Credentials, DatabaseOptions, Session, address::SqliteAddress},
    error::{Error, ErrorKind, Result},
    sql::Dialect,
};

static NEXT_MEMORY: AtomicU64 = AtomicU64::new(1);

/// How long to wait between two tries to change the journal mode.
const RETRY_PAUSE: Duration = Duration::from_millis(5);

#[derive(Debug)]
struct Sqlite {
    address: SqliteAddress,
    /// The name of a database in memory.
    memory: Option<String>,
    /// Keeps a database in memory alive while no other connection is open.
    anchor: OnceCell<std::sync::Mutex<Connection>>,
    schemas: Arc<SchemaFiles>,
}

pub(crate) fn open(address: &SqliteAddress, options: &DatabaseOptions) -> Result<Arc<dyn Backend>> {
    let (main, memory) = match &address.path {
        Some(path) => (MainDatabase::File(path.clone()), None),
        None => {
            // Relaxed: only the numbers must differ.
            let number = NEXT_MEMORY.fetch_add(1, Ordering::Relaxed);
            // The memdb VFS shares a database whose name begins with `/` between the connections of a process, with
            // the usual locks (`memdb.c` of SQLite).
            let name = format!("file:/estoult-{}-{number}?vfs=memdb", std::process::id());
            (MainDatabase::Memory(name.clone()), Some(name))
        }
    };
    let schemas = SchemaFiles::new(main, address.clone(), options.attached.clone());
    Ok(Arc::new(Sqlite {
        address: address.clone(),
        memory,
        anchor: OnceCell::new(),
        schemas: Arc::new(schemas),
    }))
}

impl Sqlite {
    fn flags(&self) -> OpenFlags {
        // Without SQLite's own mutex: the type of a connection is not `Sync`, so one thread at a time uses it.
        let mut flags = OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        // A database in memory opened for reading only could not be created; the pragma in `configure` refuses writes.
        let is_read_only = self.address.read_only && self.memory.is_none();
        flags |= match (is_read_only, self.address.create) {
            (true, _) => OpenFlags::SQLITE_OPEN_READ_ONLY,
            (false, true) => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
            (false, false) => OpenFlags::SQLITE_OPEN_READ_WRITE,
        };
        flags
    }

    fn open(address: &SqliteAddress, flags: OpenFlags, memory: Option<&str>) -> Result<Connection> {
        let path = address.path.as_deref().unwrap_or_else(|| Path::new(""));
        let opened = match memory {
            Some(name) => Connection::open_with_flags(name, flags),
            None => Connection::open_with_flags(path, flags),
        };
        let connection = opened.map_err(|error| cannot_open(path, address, &error))?;
        // A file of another kind opens without an error; the first statement fails.
        configure(&connection, address, memory.is_some()).map_err(|error| {
            if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) {
                return cannot_open(path, address, &error);
            }
            classify(&error).context("set up a SQLite connection")
        })?;
        decimal::install(&connection)
            .map_err(|error| classify(&error).context("set up a SQLite connection"))?;
        Ok(connection)
    }
}

/// Why a file could not be opened: SQLite only says that it could not, so the file system is asked.
fn cannot_open(path: &Path, address: &SqliteAddress, error: &rusqlite::Error) -> Error {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let reason = match folder {
        Some(folder) if !folder.exists() => {
            format!(
                "the folder `{}` does not exist; create it first",
                folder.display()
            )
        }
        _ if !path.exists() && !address.create => {
            "the file does not exist, and neither `mode=rw` nor a read-only database makes one; create it first"
                .to_owned()
        }
        _ if path.is_dir() => "it is a folder, not a file".to_owned(),
        _ if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            "it is a file of another kind, or encrypted".to_owned()
        }
        _ => error.to_string(),
    };
    let message = format!("open the SQLite file `{}`: {reason}", path.display());
    classify(error).reported_as(ErrorKind::Connection, message)
}

fn configure(
    connection: &Connection,
    address: &SqliteAddress,
    is_memory: bool,
) -> rusqlite::Result<()> {
    connection.busy_timeout(address.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(address.statement_cache);
    if !is_memory && !address.read_only {
        set_journal_mode(connection, address)?;
    }
    connection.pragma_update(None, "synchronous", &address.synchronous)?;
    connection.pragma_update(None, "foreign_keys", address.foreign_keys)?;
    if address.read_only {
        connection.pragma_update(None, "query_only", true)?;
    }
    Ok(())
}

/// Sets the journal mode. SQLite does not wait for another connection that sets it at the same time, so this does.
fn set_journal_mode(connection: &Connection, address: &SqliteAddress) -> rusqlite::Result<()> {
    let begun = Instant::now();
    loop {
        let set = connection.pragma_update(None, "journal_mode", &address.journal_mode);
        let is_busy = set
            .as_ref()
            .is_err_and(|error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy));
        if !is_busy || begun.elapsed() >= address.busy_timeout {
            return set;
        }
        std::thread::sleep(RETRY_PAUSE);
    }
}

#[async_trait]
impl Backend for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn is_bound_to_runtime(&self) -> bool {
        false
    }

    async fn connect(&self, _: Option<&Credentials>) -> Result<Box<dyn Session>> {
        let (address, flags, memory) = (self.address.clone(), self.flags(), self.memory.clone());
        let needs_anchor = memory.is_some() && self.anchor.get().is_none();
        let opened = off_thread(move || {
            let anchor = match &memory {
                Some(name) if needs_anchor => Some(Self::open(&address, flags, Some(name))?),
                _ => None,
            };
            Ok((anchor, Self::open(&address, flags, memory.as_deref())?))
        });
        let (anchor, connection) = opened.await?;
        if let Some(anchor) = anchor {
            // The first anchor keeps the database alive; a second one, opened at the same time, is dropped.
            let _ = self.anchor.set(std::sync::Mutex::new(anchor));
        }
        Ok(Box::new(SqliteSession::new(
            connection,
            &self.address,
            Arc::clone(&self.schemas),
        )?))
    }
}
