//! Diesel on PostgreSQL, through libpq, which is built with it and without TLS.

use diesel::PgConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};

use crate::contender::{CONNECTIONS, Start};
use crate::lane::{Contender, Lane};
use crate::sample::{self, AUTHORS, JOINED_AUTHORS, Titled, Unit};
use crate::workload::{Authors, Operations, Result};

use super::{Note, Post, Reading, User, counters, notes, posts, readings, users};

pub fn lane(start: &Start<'_>) -> Result<Box<dyn Contender>> {
    let connection = PgConnection::establish(start.url)?;
    let pool = Pool::builder()
        .max_size(CONNECTIONS)
        .test_on_check_out(false);
    let pool = pool.build(ConnectionManager::new(start.url))?;
    Ok(Lane::boxed(start, Diesel { connection, pool }))
}

super::operations!(PgConnection, transaction);
