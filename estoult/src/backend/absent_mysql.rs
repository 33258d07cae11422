//! Stands in for the MySql backend in a build without it.

use std::sync::Arc;

use crate::{
    backend::{Backend, Dialect, absent},
    database::{DatabaseOptions, url::MySqlAddress},
    error::Result,
};

pub(crate) fn open(_: &MySqlAddress, _: &DatabaseOptions) -> Result<Arc<dyn Backend>> {
    Err(absent(Dialect::MySql, "mysql"))
}
