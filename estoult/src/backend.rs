//! What a database must do for estoult: open a [`Session`], and in it run a [`Statement`].
//!
//! Invariant: only this file and the folder of the same name know which databases there are, and only this file has a
//! `cfg` on one. Nothing in them knows a table.

#[cfg(not(all(feature = "mysql", feature = "postgres-plain", feature = "sqlite")))]
mod absent;
mod address;
mod credentials;
pub(crate) mod features;
#[cfg(any(feature = "mysql", feature = "postgres-plain", feature = "sqlite"))]
mod message;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(all(feature = "postgres-plain", not(feature = "tls")))]
mod no_tls;
mod options;
#[cfg(feature = "postgres-plain")]
mod postgres;
#[cfg(feature = "mysql")]
mod server;
#[cfg(any(feature = "mysql", feature = "postgres-plain"))]
mod server_url;
mod session;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(all(feature = "postgres-plain", feature = "tls"))]
mod tls;
pub(crate) mod url;
mod url_option;

use std::sync::Arc;

#[cfg(not(feature = "mysql"))]
use self::absent::mysql;
#[cfg(not(feature = "postgres-plain"))]
use self::absent::postgres;
#[cfg(not(any(feature = "mysql", feature = "postgres-plain")))]
use self::absent::server_url;
#[cfg(not(feature = "sqlite"))]
use self::absent::sqlite;
use self::address::Target;
pub(crate) use self::credentials::CredentialsSource;
#[cfg(all(feature = "postgres-plain", not(feature = "tls")))]
use self::no_tls as tls;
pub use self::{
    credentials::Credentials,
    features::{BulkStyle, Features, IsolationStyle, LikeStyle, ListStyle},
    options::{DatabaseNotConnected, DatabaseOptions},
    session::{
        Backend, CopyTarget, DataReader, DataWriter, Notification, Outcome, Release, Session,
        Statement, TransactionStatus, WithSink,
    },
};
pub use crate::error::DatabaseError;
use crate::error::Result;

/// The backend for an address.
pub(crate) fn open(target: &Target, options: &DatabaseOptions) -> Result<Arc<dyn Backend>> {
    match target {
        Target::Sqlite(address) => sqlite::open(address, options),
        Target::Postgres(address) => postgres::open(address, options),
        Target::MySql(address) => mysql::open(address, options),
    }
}
