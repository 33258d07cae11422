//! Stands in for the Sqlite backend in a build without it.

use std::sync::Arc;

use crate::{
    backend::{Backend, Dialect, absent},
    database::{DatabaseOptions, url::SqliteAddress},
    error::Result,
};

pub(crate) fn open(_: &SqliteAddress, _: &DatabaseOptions) -> Result<Arc<dyn Backend>> {
    Err(absent(Dialect::Sqlite, "sqlite"))
}
