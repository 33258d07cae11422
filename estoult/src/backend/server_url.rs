//! The URLs of servers, with the settings behind the `?`.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use url::{ParseError, Url};

use crate::{
    backend::{
        address::{MySqlAddress, PostgresAddress, ServerAddress, Tls},
        url_option::{choice, refuse, unknown},
    },
    error::{Error, Result},
};

pub(crate) fn parse_postgres(url: &str) -> Result<PostgresAddress> {
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
            // As libpq takes them: `-c name=value` or `--name=value`, separated by spaces.
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

pub(crate) fn parse_mysql(url: &str) -> Result<MySqlAddress> {
    let (server, options) = parse_server(url, "mysql", 3306)?;
    let mut address = MySqlAddress {
        server,
        charset: None,
        collation: None,
        read_only: false,
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

type UrlOptions = Vec<(String, String)>;

fn parse_server(
    text: &str,
    scheme: &str,
    default_port: u16,
) -> Result<(ServerAddress, UrlOptions)> {
    let url = Url::parse(text).map_err(|error| wrong_part(scheme, error))?;
    refuse(scheme, misplaced(&url).into_iter().collect())?;
    let host = decode(url.host_str().unwrap_or_default());
    if host.contains(',') {
        return Err(Error::configuration(format!(
            "read a {scheme} URL: it names several hosts; a database has one, name each host in a database of its own"
        )));
    }
    // As in libpq, a host that is a path is the folder of a socket, percent-encoded in the URL.
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

/// The problem of a URL with parts that it should not have. A password with unescaped characters ends up in such a
/// part, which is therefore never shown.
fn misplaced(url: &Url) -> Option<String> {
    let has_at = |part: Option<&str>| part.is_some_and(|part| part.contains('@'));
    let problem = if !url.has_authority() {
        "`//` is missing behind the scheme; write it as scheme://user:password@host:port/database"
    } else if has_at(Some(url.path())) || has_at(url.query()) {
        "there is an `@` behind the host; in user and password write `@ : / # ?` as %40 %3A %2F %23 %3F, elsewhere \
         `@` as %40"
    } else if url.fragment().is_some() {
        "there is a `#`, which means nothing in it; in user, password and names write it as %23"
    } else {
        return None;
    };
    Some(problem.to_owned())
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
