//! PostgreSQL through a connection of sqlx: values are written and read in the wire's own binary form.

mod bind;
mod classify;
mod decode;
mod redact;
mod session;

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{
    ConnectOptions, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};

use self::{classify::classify, session::PostgresSession};
use crate::{
    backend::{
        Backend, DatabaseOptions, Session,
        address::{PostgresAddress, Tls},
    },
    error::Result,
    sql::Dialect,
};

#[derive(Debug)]
struct Postgres {
    options: PgConnectOptions,
    tried: String,
}

pub(crate) fn open(address: &PostgresAddress, _: &DatabaseOptions) -> Result<Arc<dyn Backend>> {
    Ok(Arc::new(Postgres {
        options: options(address),
        tried: format!("connect to postgres://{:?}", address.server),
    }))
}

fn options(address: &PostgresAddress) -> PgConnectOptions {
    let server = &address.server;
    // The URL alone decides: a password file of the user would make the program depend on the machine.
    let mut options = PgConnectOptions::new_without_pgpass()
        .host(&server.host)
        .port(server.port)
        .application_name(address.application.as_deref().unwrap_or("estoult"))
        .statement_cache_capacity(server.statement_cache)
        .options(address.settings.iter().map(|(name, value)| (name, value)))
        .ssl_mode(match server.tls {
            Tls::Disabled => PgSslMode::Disable,
            Tls::Preferred => PgSslMode::Prefer,
            Tls::Required => PgSslMode::Require,
            Tls::VerifyAuthority => PgSslMode::VerifyCa,
            Tls::VerifyFull => PgSslMode::VerifyFull,
        });
    if let Some(socket) = &server.socket {
        options = options.socket(socket);
    }
    if let Some(user) = &server.user {
        options = options.username(user);
    }
    if let Some(password) = &server.password {
        options = options.password(password);
    }
    if let Some(database) = &server.database {
        options = options.database(database);
    }
    if let Some(file) = &server.root_certificate {
        options = options.ssl_root_cert(file);
    }
    if let Some(file) = &server.certificate {
        options = options.ssl_client_cert(file);
    }
    if let Some(file) = &server.certificate_key {
        options = options.ssl_client_key(file);
    }
    // sqlx would log the text of each statement, also of raw SQL that contains values.
    options.disable_statement_logging()
}

#[async_trait]
impl Backend for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn is_bound_to_runtime(&self) -> bool {
        true
    }

    async fn connect(&self) -> Result<Box<dyn Session>> {
        let connected: sqlx::Result<PgConnection> = self.options.connect().await;
        let connection = connected.map_err(|error| classify(&self.tried, error, &[]))?;
        Ok(Box::new(PostgresSession::new(connection)))
    }
}
