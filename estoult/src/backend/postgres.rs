//! PostgreSQL through a session of our own: the server says in every answer whether a transaction is open, statements
//! travel together, an abandoned one is cancelled, and a socket belongs to no runtime.
//!
//! The crate postgres-protocol writes the messages and computes logins, rustls encrypts. From the bottom up: `socket`,
//! `stream`, `wire` (messages), `login`, `session` (the state), `flight` (statements and their answers), `run`.

mod answer;
mod bind;
mod bulk;
mod classify;
mod copy;
mod decode;
mod flight;
mod login;
mod lookup;
mod notice;
mod operations;
mod part;
mod pipeline;
mod prepared;
mod recover;
mod redact;
mod reopen;
mod rows;
mod run;
mod session;
mod shared;
pub(super) mod socket;
mod statements;
mod stream;
mod types;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;

use self::{login::Login, session::PostgresSession, shared::SharedState, socket::check_runtime};
use crate::{
    backend::{
        Backend, Credentials, DatabaseOptions, Session, address::PostgresAddress, tls::TlsConnector,
    },
    error::Result,
    sql::Dialect,
};

#[derive(Debug)]
struct Postgres {
    database: Arc<SharedState>,
}

pub(crate) fn open(
    address: &PostgresAddress,
    options: &DatabaseOptions,
) -> Result<Arc<dyn Backend>> {
    let tls = TlsConnector::new(&address.server)?;
    Ok(Arc::new(Postgres {
        database: Arc::new(SharedState::new(
            address.clone(),
            tls,
            options.connect_timeout,
        )),
    }))
}

#[async_trait]
impl Backend for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn is_bound_to_runtime(&self) -> bool {
        false
    }

    async fn connect(&self, credentials: Option<&Credentials>) -> Result<Box<dyn Session>> {
        check_runtime()?;
        let login = Login {
            address: &self.database.address,
            credentials,
            tls: self.database.tls.as_ref(),
            tried: &self.database.tried,
        };
        let opened = login.open().await?;
        let session =
            PostgresSession::new(opened, Arc::clone(&self.database), credentials.is_some());
        Ok(Box::new(session))
    }
}
