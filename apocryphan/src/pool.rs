//! Pooled databases under the names of the founding system: thin constructors over [`DatabaseBuilder`].
//!
//! Every database of estoult has a pool. These add a builder for each kind of server, with its parts as settings, and
//! the pool's own handle, for closing connections by hand.
//!
//! [`DatabaseBuilder`]: estoult::DatabaseBuilder

mod builder;
mod pooled;

pub use estoult::extension::Pool;

pub use self::{
    builder::{
        PooledMySqlDatabase, PooledPostgreSqlDatabase, PooledSqliteDatabase, ServerBuilder,
        SqliteBuilder,
    },
    pooled::PooledDatabase,
};
