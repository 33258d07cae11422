//! The schemas of a SQLite database: each is a file of its own that a connection attaches when a statement is about it.
//!
//! A schema that one connection drops is still attached to others. Dropping counts up a generation, and a connection
//! that sees a new one detaches all before its next statement about a schema.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use rusqlite::{Connection, OpenFlags};

use super::{
    classify::{classify, of_statement},
    writer::Writer,
};
use crate::{
    backend::address::SqliteAddress,
    error::{Error, ErrorKind, Result},
    sql::{self, Syntax},
};

/// The characters that the path of a file can't contain in the URI that SQLite opens.
const IN_URI: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#').add(b' ');

/// Counts the schemas that were dropped in this process, by whatever database: another one of the same files may have
/// them attached.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// Where the schemas of one database are, for all of its connections.
#[derive(Debug)]
pub(super) struct SchemaFiles {
    main: MainDatabase,
    address: SqliteAddress,
    /// Schemas whose files the program has named.
    named: BTreeMap<String, PathBuf>,
    in_memory: Mutex<BTreeMap<String, InMemory>>,
    /// Counts up when a statement may have changed what other statements compile to.
    definitions: AtomicU64,
    /// The writers of each schema's file.
    writers: Mutex<HashMap<Arc<str>, Arc<Writer>>>,
}

/// A schema in memory.
#[derive(Debug)]
struct InMemory {
    uri: String,
    /// Keeps it alive.
    _anchor: Connection,
}

/// Where the database itself is.
#[derive(Debug, Clone)]
pub(super) enum MainDatabase {
    File(PathBuf),
    Memory(String),
}

impl MainDatabase {
    /// What SQLite opens.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Memory(name) => Path::new(name),
        }
    }
}

/// What one connection has attached, the file used last at the end.
#[derive(Debug)]
pub(super) struct Attached {
    names: Vec<Arc<str>>,
    /// How many SQLite takes, as it was built.
    at_most: usize,
    generation: u64,
}

/// What a connection has to do before a statement about some schemas.
pub(super) struct AttachSteps {
    detach: Vec<Arc<str>>,
    attach: Vec<Arc<str>>,
}

impl SchemaFiles {
    pub(super) fn new(
        main: MainDatabase,
        address: SqliteAddress,
        named: BTreeMap<String, PathBuf>,
    ) -> Self {
        Self {
            main,
            address,
            named,
            in_memory: Mutex::new(BTreeMap::new()),
            definitions: AtomicU64::new(0),
            writers: Mutex::default(),
        }
    }

    /// The present generation of tables, indexes and triggers.
    pub(super) fn definitions(&self) -> u64 {
        self.definitions.load(Ordering::Relaxed)
    }

    /// Notes that they may have changed.
    pub(super) fn note_definition(&self) {
        // Relaxed: a session that sees it late runs a statement once more as it was compiled before.
        self.definitions.fetch_add(1, Ordering::Relaxed);
    }

    /// Those that write to the file of a schema.
    pub(super) fn writer(&self, schema: &Arc<str>) -> Arc<Writer> {
        let schema = folded(schema);
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        let made = writers
            .entry(schema)
            .or_insert_with_key(|schema| match self.file(schema) {
                Some(file) => Writer::of(&file),
                None => Writer::new(PathBuf::from(&**schema)),
            });
        Arc::clone(made)
    }

    pub(super) fn nothing_attached(&self, at_most: usize) -> Attached {
        Attached {
            names: Vec::new(),
            at_most,
            // Acquire, paired with the counting in `remove`: a connection that sees the count sees the removal.
            generation: GENERATION.load(Ordering::Acquire),
        }
    }

    fn in_memory(&self) -> MutexGuard<'_, BTreeMap<String, InMemory>> {
        self.in_memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The file of a schema: the one that was named, else one beside the database: `shop.tenant_7.db` for `shop.db`.
    /// Without a file it is in memory, as the database is.
    fn file(&self, name: &str) -> Option<PathBuf> {
        match (self.named.get(name), &self.main) {
            (Some(file), _) => Some(file.clone()),
            (None, MainDatabase::File(main)) => Some(beside(main, name)),
            (None, MainDatabase::Memory(_)) => None,
        }
    }

    /// Carries out the steps on a connection.
    pub(super) fn apply(&self, connection: &Connection, steps: &AttachSteps) -> Result<()> {
        for name in &steps.detach {
            run(connection, &format!("detach database {}", quoted(name)))?;
        }
        for (index, name) in steps.attach.iter().enumerate() {
            if let Err(error) = self.attach(connection, name) {
                // All or none; `name` itself may be attached without its settings. One that was not attached fails to
                // be detached, which changes nothing.
                for name in &steps.attach[..=index] {
                    let _ = run(connection, &format!("detach database {}", quoted(name)));
                }
                return Err(error);
            }
        }
        Ok(())
    }

    fn attach(&self, connection: &Connection, name: &str) -> Result<()> {
        let file = self.file(name);
        let uri = match &file {
            Some(file) => self.file_uri(file, name)?,
            None => {
                let in_memory = self.in_memory();
                let known = in_memory.get(name).ok_or_else(|| missing(name, None))?;
                known.uri.clone()
            }
        };
        self.attach_at(connection, name, (&uri, file.is_some()))
    }

    fn file_uri(&self, file: &Path, name: &str) -> Result<String> {
        let mode = match (self.address.read_only, self.named.contains_key(name)) {
            (true, _) => "ro",
            (false, true) if self.address.create => "rwc",
            (false, _) => "rw",
        };
        if mode != "rwc" && !file.exists() {
            return Err(missing(name, Some(file)));
        }
        Ok(uri(file, mode))
    }

    fn attach_at(
        &self,
        connection: &Connection,
        name: &str,
        (uri, is_file): (&str, bool),
    ) -> Result<()> {
        connection
            .execute(&format!("attach database ?1 as {}", quoted(name)), [uri])
            .map_err(|error| classify(&error).context(&format!("open the schema `{name}`")))?;
        // Within a transaction SQLite changes neither setting; the file keeps its journal mode anyway.
        if !connection.is_autocommit() {
            return Ok(());
        }
        if is_file && !self.address.read_only {
            let mode = &self.address.journal_mode;
            run(
                connection,
                &format!("pragma {}.journal_mode = {mode}", quoted(name)),
            )?;
        }
        let synchronous = &self.address.synchronous;
        run(
            connection,
            &format!("pragma {}.synchronous = {synchronous}", quoted(name)),
        )
    }

    /// Creates an empty schema.
    pub(super) fn create(&self, name: &str) -> Result<()> {
        let name = name.to_ascii_lowercase();
        let taken = |what: String| {
            let message = format!("create the schema `{name}`: there is one already{what}");
            Error::new(ErrorKind::Query, message)
        };
        let file = match (self.named.get(&name), &self.main) {
            (Some(file), _) => file.clone(),
            (None, MainDatabase::File(main)) => beside(main, &name),
            (None, MainDatabase::Memory(main)) => {
                let mut in_memory = self.in_memory();
                if in_memory.contains_key(&name) {
                    return Err(taken(String::new()));
                }
                // A schema that was dropped may still be attached to a connection, so a new one of its name has another
                // address.
                let number = GENERATION.fetch_add(1, Ordering::AcqRel);
                let uri = main.replace("?vfs", &format!("-{name}-{number}?vfs"));
                let anchor = Connection::open_with_flags(&uri, OpenFlags::default())
                    .map_err(|error| classify(&error))?;
                let made = InMemory {
                    uri,
                    _anchor: anchor,
                };
                in_memory.insert(name, made);
                return Ok(());
            }
        };
        // An empty file is an empty database for SQLite; `create_new` fails if another process was faster.
        let created = std::fs::File::create_new(&file);
        created.map(drop).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                taken(format!(", the file `{}`", file.display())).with_source(error)
            }
            _ => io_error("create", &name, &file, error),
        })
    }

    /// Removes a schema with all that is in it. Other connections detach it before their next statement.
    pub(super) fn remove(&self, name: &str) -> Result<()> {
        let name = name.to_ascii_lowercase();
        let removed = match self.file(&name) {
            None => {
                let removed = self.in_memory().remove(&name);
                removed.map(drop).ok_or_else(|| missing(&name, None))
            }
            Some(file) => remove_file(&file, &name),
        };
        // Counted after the removal: a connection that attached the file until now sees the new generation. Counted on
        // failure, too, since some of the files may be gone.
        GENERATION.fetch_add(1, Ordering::AcqRel);
        removed
    }

    /// The names of the schemas, in order.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let mut names: Vec<String> = self.named.keys().cloned().collect();
        match &self.main {
            MainDatabase::Memory(_) => names.extend(self.in_memory().keys().cloned()),
            MainDatabase::File(main) => names.extend(self.files(main)?),
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn files(&self, main: &Path) -> Result<Vec<String>> {
        let folder = main.parent().filter(|folder| *folder != Path::new(""));
        let folder = folder.unwrap_or(Path::new("."));
        let read = |error: std::io::Error| {
            let message = format!("list the schemas in `{}`: {error}", folder.display());
            Error::new(ErrorKind::Connection, message).with_source(error)
        };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(read)? {
            let file = entry.map_err(read)?.file_name();
            let name = file.to_str().and_then(|file| schema_of(main, file));
            names.extend(name.map(ToOwned::to_owned));
        }
        Ok(names)
    }
}

/// Removes the file of a schema, with those that SQLite may have left beside it.
fn remove_file(file: &Path, name: &str) -> Result<()> {
    std::fs::remove_file(file).map_err(|error| io_error("drop", name, file, error))?;
    for suffix in ["-wal", "-shm", "-journal"] {
        let mut beside = file.as_os_str().to_owned();
        beside.push(suffix);
        // Most of them do not exist, and one that stays is of no use without the file.
        let _ = std::fs::remove_file(beside);
    }
    Ok(())
}

/// The file of a schema beside that of the database.
fn beside(main: &Path, name: &str) -> PathBuf {
    let stem = main.file_stem().unwrap_or_default().to_string_lossy();
    let extension = main.extension();
    let extension = extension.map_or(String::new(), |extension| {
        format!(".{}", extension.to_string_lossy())
    });
    main.with_file_name(format!("{stem}.{name}{extension}"))
}

/// The schema whose file beside the database has this name.
fn schema_of<'f>(main: &Path, file: &'f str) -> Option<&'f str> {
    let stem = main.file_stem()?.to_str()?;
    let rest = file.strip_prefix(stem)?.strip_prefix('.')?;
    match main.extension() {
        Some(extension) => rest.strip_suffix(extension.to_str()?)?.strip_suffix('.'),
        None => Some(rest).filter(|rest| !rest.is_empty()),
    }
}

impl Attached {
    /// What has to be done before a statement about these schemas, when anything has to.
    ///
    /// # Errors
    ///
    /// `Unsupported` when a transaction would need more files than SQLite attaches: none can be detached in it.
    pub(super) fn steps(
        &mut self,
        schemas: &[Arc<str>],
        is_in_transaction: bool,
    ) -> Result<Option<AttachSteps>> {
        let generation = GENERATION.load(Ordering::Acquire);
        let mut detach = Vec::new();
        if generation != self.generation && !is_in_transaction {
            // Some schema was dropped; which one is not known here.
            detach.append(&mut self.names);
            self.generation = generation;
        }
        let schemas: Vec<_> = schemas.iter().map(folded).collect();
        let mut wanted: Vec<_> = schemas.iter().collect();
        wanted.sort();
        wanted.dedup();
        let kept = |name: &&Arc<str>| is_in_transaction && !wanted.contains(name);
        let needed = wanted.len() + self.names.iter().filter(kept).count();
        if needed > self.at_most {
            return Err(self.too_many(needed, is_in_transaction));
        }
        let mut attach = Vec::new();
        for schema in schemas {
            match self.names.iter().position(|name| *name == schema) {
                Some(index) => self.names.remove(index),
                None => {
                    attach.push(Arc::clone(&schema));
                    Arc::clone(&schema)
                }
            };
            self.names.push(schema);
        }
        // The file used last is at the end, so the one not used for the longest time goes first.
        while self.names.len() > self.at_most {
            detach.push(self.names.remove(0));
        }
        let is_any = !detach.is_empty() || !attach.is_empty();
        Ok(is_any.then_some(AttachSteps { detach, attach }))
    }

    /// Detaches all, so that a transaction locks no file but its own.
    pub(super) fn detach_all(&mut self) -> Option<AttachSteps> {
        let detach = std::mem::take(&mut self.names);
        (!detach.is_empty()).then_some(AttachSteps {
            detach,
            attach: Vec::new(),
        })
    }

    fn too_many(&self, needed: usize, is_in_transaction: bool) -> Error {
        let place = if is_in_transaction {
            "transaction"
        } else {
            "statement"
        };
        Error::unsupported(format!(
            "use {needed} schemas in one {place}: each is a file of its own, and this SQLite attaches at most {} to a \
             connection; use fewer, or build the program with LIBSQLITE3_FLAGS=-DSQLITE_MAX_ATTACHED=125 in its \
             environment, which `[env]` in .cargo/config.toml can set",
            self.at_most
        ))
    }

    /// Forgets the files that could not be attached. True when a file may still be attached that should not be.
    pub(super) fn forget(&mut self, steps: &AttachSteps) -> bool {
        self.names.retain(|name| !steps.attach.contains(name));
        !steps.detach.is_empty()
    }
}

/// The name as SQLite compares it: without regard to the case of ASCII letters.
fn folded(name: &Arc<str>) -> Arc<str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Arc::from(name.to_ascii_lowercase())
    } else {
        Arc::clone(name)
    }
}

fn quoted(name: &str) -> String {
    sql::quoted(name, Syntax::SQLITE.quote)
}

fn run(connection: &Connection, statement: &str) -> Result<()> {
    connection
        .execute_batch(statement)
        .map_err(|error| of_statement(&error, &Arc::from(statement), &[]))
}

fn uri(file: &Path, mode: &str) -> String {
    let path = file.to_string_lossy();
    format!("file:{}?mode={mode}", utf8_percent_encode(&path, IN_URI))
}

fn missing(name: &str, file: Option<&Path>) -> Error {
    let file = file.map_or(String::new(), |file| {
        format!(", since the file `{}` does not exist", file.display())
    });
    Error::new(
        ErrorKind::Query,
        format!(
            "open the schema `{name}`: there is none of this name{file}; create it with `create_schema`"
        ),
    )
}

fn io_error(verb: &str, name: &str, file: &Path, error: std::io::Error) -> Error {
    let message = format!(
        "{verb} the schema `{name}`: the file `{}`: {error}",
        file.display()
    );
    Error::new(ErrorKind::Connection, message).with_source(error)
}
