//! MySQL and MariaDB through a connection of sqlx; the first connection shows which of the two it is.
//!
//! Invariant: the rest of the program asks for features, not for one of the two names.

mod bind;
mod cancel;
mod classify;
mod decode;
mod session;
mod transaction;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{
    ConnectOptions, MySqlConnection,
    mysql::{MySqlConnectOptions, MySqlSslMode},
};

use self::{cancel::Canceller, classify::classify, session::MySqlSession};
use crate::{
    backend::{
        Backend, Credentials, DatabaseOptions, Session,
        address::{MySqlAddress, Roots, Tls},
    },
    error::{Error, Result},
    sql::Dialect,
};

#[derive(Debug)]
struct MySql {
    options: MySqlConnectOptions,
    tried: String,
    statement_cache: usize,
    is_read_only: bool,
}

pub(crate) fn open(address: &MySqlAddress, _: &DatabaseOptions) -> Result<Arc<dyn Backend>> {
    // As in MySQL's own client ("--ssl-mode").
    if address.server.tls == Tls::VerifyAuthority && address.server.roots == Roots::Any {
        return Err(Error::configuration(
            "set up TLS: public authorities certify a name, and only `ssl-mode=verify-identity` looks at it; use that \
             mode, or name a file of your own authorities with `ssl-ca`",
        ));
    }
    Ok(Arc::new(MySql {
        options: options(address),
        tried: format!("connect to mysql://{:?}", address.server),
        statement_cache: address.server.statement_cache,
        is_read_only: address.read_only,
    }))
}

fn options(address: &MySqlAddress) -> MySqlConnectOptions {
    let server = &address.server;
    let mut options = MySqlConnectOptions::new()
        .host(&server.host)
        .port(server.port)
        .statement_cache_capacity(server.statement_cache)
        .ssl_mode(match server.tls {
            Tls::Disabled => MySqlSslMode::Disabled,
            Tls::Allowed | Tls::Preferred => MySqlSslMode::Preferred,
            Tls::Required => MySqlSslMode::Required,
            Tls::VerifyAuthority => MySqlSslMode::VerifyCa,
            Tls::VerifyFull => MySqlSslMode::VerifyIdentity,
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
    if let Some(charset) = &address.charset {
        options = options.charset(charset);
    }
    if let Some(collation) = &address.collation {
        options = options.collation(collation);
    }
    if let Roots::File(file) = &server.roots {
        options = options.ssl_ca(file);
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
impl Backend for MySql {
    fn dialect(&self) -> Dialect {
        Dialect::MySql
    }

    fn is_bound_to_runtime(&self) -> bool {
        true
    }

    async fn connect(&self, credentials: Option<&Credentials>) -> Result<Box<dyn Session>> {
        let options = match credentials {
            None => self.options.clone(),
            Some(Credentials { user, password, .. }) => {
                self.options.clone().username(user).password(password)
            }
        };
        let connected: sqlx::Result<MySqlConnection> = options.connect().await;
        let connection = connected.map_err(|error| classify(&self.tried, error, &[]))?;
        let canceller = Canceller::new(
            &options,
            credentials.and_then(|credentials| credentials.source.clone()),
        );
        let session = MySqlSession::open(
            connection,
            canceller,
            self.statement_cache,
            self.is_read_only,
        )
        .await?;
        Ok(Box::new(session))
    }
}
