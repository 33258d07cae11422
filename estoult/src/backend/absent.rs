//! The backends that this build leaves out: an error each that names the feature to add.

use crate::{error::Error, sql::Dialect};

fn missing(dialect: Dialect, feature: &str) -> Error {
    Error::unsupported(format!(
        "open a {dialect} database: this program was built without it; add the feature `{feature}` of estoult"
    ))
}

macro_rules! absent {
    ($($module:ident $address:ident $dialect:ident $feature:literal)+) => {$(
        pub(super) mod $module {
            use std::sync::Arc;

            use crate::{
                backend::{Backend, DatabaseOptions, absent::missing, address::$address},
                error::Result,
                sql::Dialect,
            };

            pub(in crate::backend) fn open(
                _: &$address,
                _: &DatabaseOptions,
            ) -> Result<Arc<dyn Backend>> {
                Err(missing(Dialect::$dialect, $feature))
            }
        }
    )+};
}

absent! {
    sqlite SqliteAddress Sqlite "sqlite"
    postgres PostgresAddress Postgres "postgres"
    mysql MySqlAddress MySql "mysql"
}

/// The URLs of servers, in a build that knows no server.
pub(super) mod server_url {
    use crate::{
        backend::{
            absent::missing,
            address::{MySqlAddress, PostgresAddress},
        },
        error::Result,
        sql::Dialect,
    };

    pub(in crate::backend) fn parse_postgres(_: &str) -> Result<PostgresAddress> {
        Err(missing(Dialect::Postgres, "postgres"))
    }

    pub(in crate::backend) fn parse_mysql(_: &str) -> Result<MySqlAddress> {
        Err(missing(Dialect::MySql, "mysql"))
    }
}
