//! The URLs of servers, with the settings behind the `?`.

mod parts;
mod session_options;

use std::{path::PathBuf, time::Duration};

use percent_encoding::percent_decode_str;

use crate::{
    backend::{
        address::{
            Binding, KeepAlive, MySqlAddress, PostgresAddress, Provider, Roots, STATEMENT_CACHE,
            ServerAddress, Tls,
        },
        server_url::{parts::split, session_options::session_options},
        url_option::{choice, refuse, repeated, unknown},
    },
    error::{Error, Result},
};

pub(crate) fn parse_postgres(url: &str) -> Result<PostgresAddress> {
    let (server, options) = parse_server(url, "postgres", 5432)?;
    let mut address = PostgresAddress {
        server,
        application: None,
        settings: Vec::new(),
        binding: Binding::Preferred,
        keep_alive: KeepAlive {
            is_probed: true,
            idle: Duration::from_secs(30),
            interval: Duration::from_secs(10),
            count: 3,
            unacknowledged: Duration::from_secs(60),
        },
    };
    let mut problems = repeated(options.iter().map(|(name, _)| &**name));
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
        "host" if value.contains(',') => return Err(SEVERAL_HOSTS.to_owned()),
        "host" => address.server.host = value,
        "user" => address.server.user = Some(value),
        "password" => address.server.password = Some(value),
        "dbname" => address.server.database = Some(value),
        "options" => address.settings.extend(session_options(&value)?),
        "channel_binding" => {
            address.binding = match value.as_str() {
                "disable" => Binding::Disabled,
                "prefer" => Binding::Preferred,
                "require" => Binding::Required,
                _ => return Err(choice(name, "disable, prefer or require")),
            }
        }
        _ if name.starts_with("keepalives") || name == "tcp_user_timeout" => {
            set_keep_alive(&mut address.keep_alive, name, &value)?;
        }
        // A pooler may give each unit of statements another session: none is prepared for longer.
        "statement_cache_capacity" => {
            let capacity = value.parse();
            address.server.statement_cache =
                capacity.map_err(|_| choice(name, "a number, and 0 behind a pooler"))?;
        }
        _ => {
            return set_server(&mut address.server, name, &value).unwrap_or_else(|| {
                Err(unknown(
                    name,
                    "application_name, host, port, user, password, dbname, options, sslmode, sslrootcert, sslcert, \
                     sslkey, sslprovider, channel_binding, keepalives, keepalives_idle, keepalives_interval, \
                     keepalives_count, tcp_user_timeout, statement_cache_capacity",
                ))
            });
        }
    }
    Ok(())
}

/// The settings of libpq for a network that no longer answers ("Parameter Key Words").
fn set_keep_alive(keep_alive: &mut KeepAlive, name: &str, value: &str) -> Result<(), String> {
    let number = |what: &str| value.parse::<u32>().map_err(|_| choice(name, what));
    let seconds =
        || number("a number of seconds").map(|seconds| Duration::from_secs(seconds.into()));
    match name {
        "keepalives" if value == "0" => keep_alive.is_probed = false,
        "keepalives" if value == "1" => keep_alive.is_probed = true,
        "keepalives" => return Err(choice(name, "0 or 1")),
        "keepalives_idle" => keep_alive.idle = seconds()?,
        "keepalives_interval" => keep_alive.interval = seconds()?,
        "keepalives_count" => keep_alive.count = number("a number")?,
        "tcp_user_timeout" => {
            let millis = number("a number of milliseconds")?;
            keep_alive.unacknowledged = Duration::from_millis(millis.into());
        }
        _ => {
            return Err(unknown(
                name,
                "keepalives, keepalives_idle, keepalives_interval, keepalives_count",
            ));
        }
    }
    Ok(())
}

const MYSQL_OPTIONS: &str = "charset, collation, socket, port, ssl-mode, ssl-ca, ssl-cert, ssl-key, \
                             statement-cache-capacity";

pub(crate) fn parse_mysql(url: &str) -> Result<MySqlAddress> {
    let (server, options) = parse_server(url, "mysql", 3306)?;
    let mut address = MySqlAddress {
        server,
        charset: None,
        collation: None,
        read_only: false,
    };
    let mut problems = repeated(options.iter().map(|(name, _)| &**name));
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
        // These belong to the TLS of PostgreSQL; the driver of MySQL chooses by itself.
        "sslprovider" => return Err(unknown(name, MYSQL_OPTIONS)),
        "ssl-ca" | "sslrootcert" if value == "system" || value == "bundled" => {
            return Err(choice(name, "a file"));
        }
        _ => {
            return set_server(&mut address.server, name, &value)
                .unwrap_or_else(|| Err(unknown(name, MYSQL_OPTIONS)));
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
                let modes = "disable, allow, prefer, require, verify-ca or verify-full";
                return Some(Err(choice(name, modes)));
            }
        },
        "sslrootcert" | "ssl-ca" => {
            server.roots = match value {
                "system" => Roots::System,
                "bundled" => Roots::Bundled,
                file => Roots::File(file.into()),
            }
        }
        "sslprovider" => {
            server.provider = match value {
                "ring" => Some(Provider::Ring),
                "aws-lc-rs" => Some(Provider::AwsLcRs),
                _ => return Some(Err(choice(name, "ring or aws-lc-rs"))),
            }
        }
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
            "allow" => Tls::Allowed,
            "prefer" | "preferred" => Tls::Preferred,
            "require" | "required" => Tls::Required,
            "verify-ca" => Tls::VerifyAuthority,
            "verify-full" | "verify-identity" => Tls::VerifyFull,
            _ => return None,
        },
    )
}

const SEVERAL_HOSTS: &str =
    "it names several hosts; a database has one, name each host in a database of its own";

type UrlOptions = Vec<(String, String)>;

fn parse_server(
    text: &str,
    scheme: &str,
    default_port: u16,
) -> Result<(ServerAddress, UrlOptions)> {
    let parts = split(scheme, text)
        .map_err(|problem| Error::configuration(format!("read a {scheme} URL: {problem}")))?;
    let host = decode(parts.host);
    if host.contains(',') {
        return Err(Error::configuration(format!(
            "read a {scheme} URL: {SEVERAL_HOSTS}"
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
        port: parts.port.unwrap_or(default_port),
        socket: is_socket.then(|| PathBuf::from(&host)),
        user: Some(decode(parts.user)).filter(|user| !user.is_empty()),
        password: parts.password.map(decode),
        database: Some(decode(parts.path.trim_start_matches('/'))).filter(|name| !name.is_empty()),
        tls: Tls::Preferred,
        roots: Roots::Any,
        provider: None,
        certificate: None,
        certificate_key: None,
        statement_cache: STATEMENT_CACHE,
    };
    let options = form_urlencoded::parse(parts.query.as_bytes());
    Ok((server, options.into_owned().collect()))
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
