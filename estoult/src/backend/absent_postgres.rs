//! Stands in for the Postgres backend in a build without it.

use std::sync::Arc;

use crate::{
    backend::{Backend, Dialect, absent},
    database::{DatabaseOptions, url::PostgresAddress},
    error::Result,
};

pub(crate) fn open(_: &PostgresAddress, _: &DatabaseOptions) -> Result<Arc<dyn Backend>> {
    Err(absent(Dialect::Postgres, "postgres"))
}
