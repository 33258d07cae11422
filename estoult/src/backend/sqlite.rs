//! SQLite through rusqlite: a short statement runs on the caller's thread, any other in one hop to a thread that may
//! block, and its rows are decoded there. Those who write to a file wait for their turn in a queue.

mod bind;
mod blocking;
mod checkpoint;
mod classify;
mod decimal;
mod decode;
mod execute;
mod file;
mod log;
mod memory;
mod off_thread;
mod operations;
mod program;
mod schemas;
mod session;
mod watch;
mod writer;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use once_cell::sync::OnceCell;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::sync::Semaphore;

use self::{
    classify::classify,
    file::{FileIdentity, Removed},
    memory::MemoryFolder,
    off_thread::off_thread,
    schemas::{MainDatabase, SchemaFiles},
    session::SqliteSession,
    writer::Writer,
};
use crate::{
    backend::{
        Backend, Credentials, DatabaseOptions, Session,
        address::{SqliteAddress, SqliteLocation},
    },
    error::{Error, ErrorKind, Result},
    sql::Dialect,
};

static NEXT_MEMORY: AtomicU64 = AtomicU64::new(1);

/// How long to wait between two tries to change the journal mode.
const RETRY_PAUSE: Duration = Duration::from_millis(5);

#[derive(Debug)]
struct Sqlite {
    address: SqliteAddress,
    /// Schemas whose files the program has named.
    attached: BTreeMap<String, PathBuf>,
    /// Where it is; made with the first connection, so that a process that forks before has one of its own.
    place: OnceCell<Place>,
    /// Lets one connection be opened at a time: a thread opens it to the end, also when its caller has gone.
    opening: Arc<Semaphore>,
}

/// Where a database is.
#[derive(Debug)]
struct Place {
    main: MainDatabase,
    schemas: Arc<SchemaFiles>,
    removed: Removed,
    /// Keeps a database without a file alive while no other connection is open.
    anchor: OnceCell<Mutex<Connection>>,
    /// The folder of a database in memory, removed with it.
    _folder: Option<MemoryFolder>,
}

pub(crate) fn open(address: &SqliteAddress, options: &DatabaseOptions) -> Result<Arc<dyn Backend>> {
    let mut address = address.clone();
    if !address.is_file() {
        // Nothing of it outlives the process, so nothing has to reach a disk.
        "off".clone_into(&mut address.synchronous);
    }
    Ok(Arc::new(Sqlite {
        address,
        attached: options.attached.clone(),
        place: OnceCell::new(),
        opening: Arc::new(Semaphore::new(1)),
    }))
}

impl Place {
    fn new(address: &SqliteAddress, attached: &BTreeMap<String, PathBuf>) -> Result<Self> {
        let mut folder = None;
        let main = match &address.location {
            SqliteLocation::File(path) => MainDatabase::File(path.clone()),
            SqliteLocation::PrivateMemory => {
                // Relaxed: only the numbers must differ.
                let number = NEXT_MEMORY.fetch_add(1, Ordering::Relaxed);
                // The memdb VFS shares a database whose name begins with `/` between the connections of a process
                // (`memdb.c` of SQLite): the pool's, and the one that keeps it alive.
                let name = format!("file:/estoult-{}-{number}?vfs=memdb", std::process::id());
                MainDatabase::Memory(name)
            }
            SqliteLocation::Memory => {
                MainDatabase::File(folder.insert(MemoryFolder::new()?).file())
            }
        };
        let schemas = SchemaFiles::new(main.clone(), address.clone(), attached.clone());
        Ok(Self {
            main,
            schemas: Arc::new(schemas),
            removed: Removed::default(),
            anchor: OnceCell::new(),
            _folder: folder,
        })
    }
}

/// Opens a connection, on a thread that may block.
fn open_connection(address: &SqliteAddress, main: &MainDatabase) -> Result<Connection> {
    // Without SQLite's own mutex: the type of a connection is not `Sync`, so one thread at a time uses it.
    let mut flags = OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // A database in memory opened for reading only could not be created; the pragma in `configure` refuses writes.
    let is_read_only = address.read_only && address.is_file();
    flags |= match (is_read_only, address.create) {
        (true, _) => OpenFlags::SQLITE_OPEN_READ_ONLY,
        (false, true) => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        (false, false) => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let path = main.path();
    let opened = Connection::open_with_flags(path, flags);
    let connection = opened.map_err(|error| cannot_open(path, address, &error))?;
    // A file of another kind opens without an error; the first statement fails.
    configure(&connection, address, main).map_err(|error| {
        if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) {
            return cannot_open(path, address, &error);
        }
        classify(&error).context("set up a SQLite connection")
    })?;
    decimal::install(&connection)
        .map_err(|error| classify(&error).context("set up a SQLite connection"))?;
    Ok(connection)
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
    main: &MainDatabase,
) -> rusqlite::Result<()> {
    connection.busy_timeout(address.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(address.statement_cache);
    let is_read_only = address.read_only && address.is_file();
    if matches!(main, MainDatabase::File(_)) && !is_read_only {
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
        let place = self
            .place
            .get_or_try_init(|| Place::new(&self.address, &self.attached))?;
        let (address, main) = (self.address.clone(), place.main.clone());
        let removed = place.removed.clone();
        let needs_anchor = matches!(main, MainDatabase::Memory(_)) && place.anchor.get().is_none();
        // It is never closed, so this waits for nothing but the connections before.
        let turn = Arc::clone(&self.opening).acquire_owned().await;
        let opened = off_thread(move || {
            let _turn = turn;
            let anchor = match needs_anchor {
                true => Some(open_connection(&address, &main)?),
                false => None,
            };
            removed.check(main.path())?;
            let connection = open_connection(&address, &main)?;
            let file = FileIdentity::of(main.path(), &removed);
            let writer = match &main {
                MainDatabase::File(path) => Writer::of(path),
                MainDatabase::Memory(name) => Writer::new(name.into()),
            };
            Ok((anchor, connection, (file, writer)))
        });
        let (anchor, connection, file) = opened.await?;
        if let Some(anchor) = anchor {
            // The first anchor keeps the database alive; a second one, opened at the same time, is dropped.
            let _ = place.anchor.set(Mutex::new(anchor));
        }
        let schemas = Arc::clone(&place.schemas);
        let session = SqliteSession::new(connection, &self.address, schemas, file)?;
        Ok(Box::new(session))
    }
}
