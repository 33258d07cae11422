//! Database URLs, taken apart: which database, where, and its settings. An error names the part that is wrong.
//!
//! Invariant: no message and no `Debug` holds a password.

use std::{fmt, path::PathBuf, time::Duration};

use crate::{
    backend::server_url,
    error::{Error, Result},
};

/// Which database an URL means.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    Sqlite(SqliteAddress),
    Postgres(PostgresAddress),
    MySql(MySqlAddress),
}

impl Target {
    /// Whether the URL itself allows reading only.
    pub(crate) fn is_read_only(&self) -> bool {
        matches!(self, Self::Sqlite(address) if address.read_only)
    }

    /// The same database, whose sessions refuse writes.
    pub(crate) fn read_only(mut self) -> Self {
        match &mut self {
            Self::Sqlite(address) => {
                address.read_only = true;
                address.create &= address.path.is_none();
            }
            Self::Postgres(address) => {
                let name = "default_transaction_read_only".to_owned();
                address.settings.push((name, "on".to_owned()));
            }
            Self::MySql(address) => address.read_only = true,
        }
        self
    }
}

/// Where a SQLite database is and how it is opened.
#[derive(Debug, Clone)]
pub(crate) struct SqliteAddress {
    /// `None` is a database in memory.
    pub(crate) path: Option<PathBuf>,
    pub(crate) read_only: bool,
    pub(crate) create: bool,
    pub(crate) busy_timeout: Duration,
    pub(crate) foreign_keys: bool,
    pub(crate) journal_mode: String,
    pub(crate) synchronous: String,
}

/// What servers have in common.
#[derive(Clone)]
pub(crate) struct ServerAddress {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) socket: Option<PathBuf>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) database: Option<String>,
    pub(crate) tls: Tls,
    pub(crate) root_certificate: Option<PathBuf>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) certificate_key: Option<PathBuf>,
    pub(crate) statement_cache: usize,
}

/// Where a PostgreSQL database is.
#[derive(Debug, Clone)]
pub(crate) struct PostgresAddress {
    pub(crate) server: ServerAddress,
    pub(crate) application: Option<String>,
    pub(crate) settings: Vec<(String, String)>,
}

/// Where a MySQL or MariaDB database is.
#[derive(Debug, Clone)]
pub(crate) struct MySqlAddress {
    pub(crate) server: ServerAddress,
    pub(crate) charset: Option<String>,
    pub(crate) collation: Option<String>,
    pub(crate) read_only: bool,
}

/// How much of TLS a connection needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tls {
    Disabled,
    Preferred,
    Required,
    VerifyAuthority,
    VerifyFull,
}

impl fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        match &self.socket {
            Some(socket) => write!(f, "{}", socket.display())?,
            None => write!(f, "{}:{}", self.host, self.port)?,
        }
        write!(f, "/{}", self.database.as_deref().unwrap_or_default())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(SqliteAddress {
                path: Some(path), ..
            }) => write!(f, "sqlite:{}", path.display()),
            Self::Sqlite(_) => f.write_str("sqlite::memory:"),
            Self::Postgres(address) => write!(f, "postgres://{:?}", address.server),
            Self::MySql(address) => write!(f, "mysql://{:?}", address.server),
        }
    }
}

/// Takes an URL apart.
pub(crate) fn parse(url: &str) -> Result<Target> {
    let Some((scheme, rest)) = url.split_once(':') else {
        return Err(Error::configuration(
            "read a database URL: it has no scheme; begin it with `sqlite:`, `postgres://` or `mysql://`",
        ));
    };
    match scheme {
        "sqlite" => parse_sqlite(rest).map(Target::Sqlite),
        "postgres" | "postgresql" => server_url::parse_postgres(url).map(Target::Postgres),
        "mysql" | "mariadb" => server_url::parse_mysql(url).map(Target::MySql),
        // What does not look like a scheme may be anything, a password too.
        other => Err(Error::configuration(format!(
            "read a database URL: {}; known are `sqlite:`, `postgres://` and `mysql://`",
            if rest.starts_with("//")
                && other
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
            {
                format!("unknown scheme `{other}`")
            } else {
                "it does not begin with a scheme".to_owned()
            }
        ))),
    }
}

fn parse_sqlite(rest: &str) -> Result<SqliteAddress> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() {
        return Err(Error::configuration(
            "read a sqlite URL: the path is missing; write `sqlite:file.db` or `sqlite::memory:`",
        ));
    }
    let mut address = SqliteAddress {
        path: (path != ":memory:").then(|| PathBuf::from(path)),
        read_only: false,
        create: true,
        busy_timeout: Duration::from_secs(5),
        foreign_keys: true,
        journal_mode: "wal".to_owned(),
        synchronous: "normal".to_owned(),
    };
    let mut problems = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        problems.extend(set_sqlite(&mut address, &name, &value).err());
    }
    refuse("sqlite", problems)?;
    Ok(address)
}

fn set_sqlite(address: &mut SqliteAddress, name: &str, value: &str) -> Result<(), String> {
    match (name, value) {
        ("mode", "ro") => (address.read_only, address.create) = (true, false),
        ("mode", "rw") => address.create = false,
        ("mode", "rwc") => {}
        ("mode", "memory") => address.path = None,
        ("mode", _) => return Err(choice(name, "ro, rw, rwc or memory")),
        ("busy_timeout", _) => {
            let millis = value
                .parse()
                .map_err(|_| choice(name, "a number of milliseconds"))?;
            address.busy_timeout = Duration::from_millis(millis);
        }
        ("foreign_keys", "on" | "true" | "1") => address.foreign_keys = true,
        ("foreign_keys", "off" | "false" | "0") => address.foreign_keys = false,
        ("foreign_keys", _) => return Err(choice(name, "on or off")),
        ("journal_mode", "wal" | "delete" | "truncate" | "persist" | "memory" | "off") => {
            address.journal_mode = value.to_owned();
        }
        ("journal_mode", _) => {
            return Err(choice(
                name,
                "wal, delete, truncate, persist, memory or off",
            ));
        }
        ("synchronous", "off" | "normal" | "full" | "extra") => {
            address.synchronous = value.to_owned();
        }
        ("synchronous", _) => return Err(choice(name, "off, normal, full or extra")),
        _ => {
            return Err(unknown(
                name,
                "mode, busy_timeout, foreign_keys, journal_mode, synchronous",
            ));
        }
    }
    Ok(())
}

pub(crate) fn choice(name: &str, known: &str) -> String {
    format!("option `{name}` takes {known}")
}

pub(crate) fn unknown(name: &str, known: &str) -> String {
    format!("unknown option `{name}` (known: {known})")
}

pub(crate) fn refuse(scheme: &str, problems: Vec<String>) -> Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::configuration(format!(
        "read a {scheme} URL: {}",
        problems.join("; ")
    )))
}
