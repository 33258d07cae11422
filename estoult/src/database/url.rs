//! Database URLs, taken apart: which database, where, and its settings. An error names the part that is wrong.
//!
//! Invariant: no message and no `Debug` holds a password.

use std::{fmt, path::PathBuf, time::Duration};

use percent_encoding::percent_decode_str;
use url::{ParseError, Url};

use crate::error::{Error, Result};

/// Which database an URL means.
#[derive(Clone, derive_more::Debug)]
pub(crate) enum Target {
    #[debug("{_0:?}")]
    Sqlite(SqliteAddress),
    #[debug("{_0:?}")]
    Postgres(PostgresAddress),
    #[debug("{_0:?}")]
    MySql(MySqlAddress),
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
        "postgres" | "postgresql" => parse_postgres(url).map(Target::Postgres),
        "mysql" | "mariadb" => parse_mysql(url).map(Target::MySql),
        other => Err(Error::configuration(format!(
            "read a database URL: unknown scheme `{other}`; known are `sqlite:`, `postgres://` and `mysql://`"
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
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
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

fn parse_postgres(url: &str) -> Result<PostgresAddress> {
    let (server, options) = parse_server(url, "postgres", 5432)?;
    let mut address = PostgresAddress {
        server,
        application: None,
        settings: Vec::new(),
    };
    let mut problems = Vec::new();
    for (name, value) in options {
        problems.extend(set_postgres(&mut address, &name, value).err());
    }
    refuse("postgres", problems)?;
    Ok(address)
}

fn set_postgres(address: &mut PostgresAddress, name: &str, value: String) -> Result<(), String> {
    match name {
        "application_name" => address.application = Some(value),
        "host" if value.starts_with('/') => address.server.socket = Some(value.into()),
        "host" => address.server.host = value,
        "user" => address.server.user = Some(value),
        "password" => address.server.password = Some(value),
        "dbname" => address.server.database = Some(value),
        "options" => {
            for word in value.split_whitespace() {
                let setting = word.trim_start_matches("-c").trim_start_matches("--");
                if let Some((name, value)) = setting.split_once('=') {
                    address.settings.push((name.to_owned(), value.to_owned()));
                }
            }
        }
        _ => {
            return set_server(&mut address.server, name, &value).unwrap_or_else(|| {
                Err(unknown(
                    name,
                    "application_name, host, port, user, password, dbname, options, sslmode, \
                     sslrootcert, sslcert, sslkey, statement_cache_capacity",
                ))
            });
        }
    }
    Ok(())
}

fn parse_mysql(url: &str) -> Result<MySqlAddress> {
    let (server, options) = parse_server(url, "mysql", 3306)?;
    let mut address = MySqlAddress {
        server,
        charset: None,
        collation: None,
    };
    let mut problems = Vec::new();
    for (name, value) in options {
        problems.extend(set_mysql(&mut address, &name, value).err());
    }
    refuse("mysql", problems)?;
    Ok(address)
}

fn set_mysql(address: &mut MySqlAddress, name: &str, value: String) -> Result<(), String> {
    match name {
        "charset" => address.charset = Some(value),
        "collation" => address.collation = Some(value),
        "socket" => address.server.socket = Some(value.into()),
        _ => {
            return set_server(&mut address.server, name, &value).unwrap_or_else(|| {
                Err(unknown(
                    name,
                    "charset, collation, socket, port, ssl-mode, ssl-ca, ssl-cert, ssl-key, \
                     statement-cache-capacity",
                ))
            });
        }
    }
    Ok(())
}

/// The settings that both servers have, under the names that each of them uses.
fn set_server(server: &mut ServerAddress, name: &str, value: &str) -> Option<Result<(), String>> {
    match name {
        "port" => match value.parse() {
            Ok(port) => server.port = port,
            Err(_) => return Some(Err(choice(name, "a number from 1 to 65535"))),
        },
        "sslmode" | "ssl-mode" => match parse_tls(value) {
            Some(tls) => server.tls = tls,
            None => {
                let modes = "disable, prefer, require, verify-ca or verify-full";
                return Some(Err(choice(name, modes)));
            }
        },
        "sslrootcert" | "ssl-ca" => server.root_certificate = Some(value.into()),
        "sslcert" | "ssl-cert" => server.certificate = Some(value.into()),
        "sslkey" | "ssl-key" => server.certificate_key = Some(value.into()),
        "statement_cache_capacity" | "statement-cache-capacity" => match value.parse() {
            // A capacity of zero leaks prepared statements on the server in sqlx 0.9.0.
            Ok(capacity) if capacity > 0 => server.statement_cache = capacity,
            _ => return Some(Err(choice(name, "a number above zero"))),
        },
        _ => return None,
    }
    Some(Ok(()))
}

fn parse_tls(value: &str) -> Option<Tls> {
    Some(
        match value.to_ascii_lowercase().replace('_', "-").as_str() {
            "disable" | "disabled" => Tls::Disabled,
            "allow" | "prefer" | "preferred" => Tls::Preferred,
            "require" | "required" => Tls::Required,
            "verify-ca" => Tls::VerifyAuthority,
            "verify-full" | "verify-identity" => Tls::VerifyFull,
            _ => return None,
        },
    )
}

type Options = Vec<(String, String)>;

fn parse_server(text: &str, scheme: &str, default_port: u16) -> Result<(ServerAddress, Options)> {
    let url = Url::parse(text).map_err(|error| wrong_part(scheme, error))?;
    let host = decode(url.host_str().unwrap_or_default());
    if host.contains(',') {
        return Err(Error::configuration(format!(
            "read a {scheme} URL: it names several hosts; a database has one, name each host in a database of its own"
        )));
    }
    let is_socket = host.starts_with('/');
    let server = ServerAddress {
        host: if host.is_empty() || is_socket {
            "localhost".to_owned()
        } else {
            host.clone()
        },
        port: url.port().unwrap_or(default_port),
        socket: is_socket.then(|| PathBuf::from(&host)),
        user: Some(decode(url.username())).filter(|user| !user.is_empty()),
        password: url.password().map(decode),
        database: Some(decode(url.path().trim_start_matches('/'))).filter(|name| !name.is_empty()),
        tls: Tls::Preferred,
        root_certificate: None,
        certificate: None,
        certificate_key: None,
        statement_cache: 256,
    };
    let options = url
        .query_pairs()
        .map(|(name, value)| (name.into_owned(), value.into_owned()));
    Ok((server, options.collect()))
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn wrong_part(scheme: &str, error: ParseError) -> Error {
    let part = match error {
        ParseError::InvalidPort => {
            "the port is not a number from 1 to 65535 (in user and password write `@ : / # ?` as %40 %3A %2F %23 %3F)"
        }
        ParseError::EmptyHost => "the host is missing",
        ParseError::InvalidIpv4Address | ParseError::InvalidIpv6Address => {
            "the host is not a valid IP address"
        }
        ParseError::IdnaError | ParseError::InvalidDomainCharacter => {
            "the host has a character that no host name may have"
        }
        _ => "it is malformed",
    };
    Error::configuration(format!(
        "read a {scheme} URL: {part}; write it as {scheme}://user:password@host:port/database"
    ))
}

fn choice(name: &str, known: &str) -> String {
    format!("option `{name}` takes {known}")
}

fn unknown(name: &str, known: &str) -> String {
    format!("unknown option `{name}` (known: {known})")
}

fn refuse(scheme: &str, problems: Vec<String>) -> Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::configuration(format!(
        "read a {scheme} URL: {}",
        problems.join("; ")
    )))
}
