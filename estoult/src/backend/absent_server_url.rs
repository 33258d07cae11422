//! Stands in for the URLs of servers in a build that knows none.

use crate::{
    backend::{Dialect, absent},
    database::url::{MySqlAddress, PostgresAddress},
    error::Result,
};

pub(crate) fn parse_postgres(_: &str) -> Result<PostgresAddress> {
    Err(absent(Dialect::Postgres, "postgres"))
}

pub(crate) fn parse_mysql(_: &str) -> Result<MySqlAddress> {
    Err(absent(Dialect::MySql, "mysql"))
}
