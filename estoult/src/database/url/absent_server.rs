//! Stands in for the URLs of servers in a build that knows none.

use super::{MySqlAddress, PostgresAddress};
use crate::{
    backend::{Dialect, absent::absent},
    error::Result,
};

pub(super) fn parse_postgres(_: &str) -> Result<PostgresAddress> {
    Err(absent(Dialect::Postgres, "postgres"))
}

pub(super) fn parse_mysql(_: &str) -> Result<MySqlAddress> {
    Err(absent(Dialect::MySql, "mysql"))
}
