//! Database URLs, parsed. An error names the part that is wrong.
//!
//! Invariant: no error shows a password, nor a part that may be one.

use std::{path::PathBuf, time::Duration};

use crate::{
    backend::{
        address::{STATEMENT_CACHE, SqliteAddress, SqliteLocation, Target},
        server_url,
        url_option::{choice, refuse, repeated, unknown},
    },
    error::{Error, Result},
};

/// Parses a URL.
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
        // A text that does not look like a scheme may be anything, also a password.
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
    // `sqlite://file.db` is accepted, since other libraries write it so.
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() {
        return Err(Error::configuration(
            "read a sqlite URL: the path is missing; write `sqlite:file.db` or `sqlite::memory:`",
        ));
    }
    if path.starts_with(':') && path != ":memory:" {
        return Err(Error::configuration(format!(
            "read a sqlite URL: `{path}` is no file name; write `sqlite::memory:` for a database in memory, or \
             `sqlite:./{path}` for such a file"
        )));
    }
    let mut address = SqliteAddress {
        location: match path {
            ":memory:" => SqliteLocation::Memory,
            path => SqliteLocation::File(PathBuf::from(path)),
        },
        read_only: false,
        create: true,
        busy_timeout: Duration::from_secs(5),
        foreign_keys: true,
        journal_mode: "wal".to_owned(),
        synchronous: "normal".to_owned(),
        statement_cache: STATEMENT_CACHE,
    };
    let options: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let mut problems = repeated(options.iter().map(|(name, _)| &**name));
    for (name, value) in options {
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
        ("mode", "memory") => address.location = SqliteLocation::PrivateMemory,
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
