//! Diesel on SQLite.

use diesel::SqliteConnection;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool};

use crate::contender::{CONNECTIONS, Start};
use crate::lane::{Contender, Lane};
use crate::sample::{self, AUTHORS, JOINED_AUTHORS, Titled, Unit};
use crate::workload::{Authors, Operations, Result};

use super::{Note, Post, Reading, User, counters, notes, posts, readings, users};

const PRAGMAS: &str = "pragma journal_mode = wal; pragma synchronous = normal; \
    pragma busy_timeout = 5000; pragma foreign_keys = on";

pub fn lane(start: &Start<'_>) -> Result<Box<dyn Contender>> {
    let path = start.url.trim_start_matches("sqlite://");
    let mut connection = SqliteConnection::establish(path)?;
    connection.batch_execute(PRAGMAS)?;
    let pool = Pool::builder()
        .max_size(CONNECTIONS)
        .test_on_check_out(false);
    let pool = pool.connection_customizer(Box::new(Pragmas));
    let pool = pool.build(ConnectionManager::new(path))?;
    Ok(Lane::boxed(start, Diesel { connection, pool }))
}

#[derive(Debug)]
struct Pragmas;

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for Pragmas {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        let outcome = connection.batch_execute(PRAGMAS);
        outcome.map_err(diesel::r2d2::Error::QueryError)
    }
}

super::operations!(SqliteConnection, immediate_transaction);
