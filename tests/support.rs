//! What the suite shares: a fresh database for each test, on every backend; tables from schemas; the servers.

mod database;
mod property;
pub(crate) mod schemas;
pub(crate) mod servers;
mod table;

pub(crate) use self::{
    database::{Backend, Fresh, run},
    property::for_any,
    table::create_table,
};

/// One test for each backend: `name::sqlite`, `name::postgres`, `name::mysql`, each in a database of its own.
///
/// The database is connected; the test is an async closure that takes `&estoult::Database` and gives
/// `estoult::Result<()>`.
macro_rules! on_every_backend {
    ($name:ident, $test:expr $(,)?) => {
        mod $name {
            use super::*;

            #[test]
            fn sqlite() {
                crate::support::run(crate::support::Backend::Sqlite, $test);
            }

            #[test]
            fn postgres() {
                crate::support::run(crate::support::Backend::Postgres, $test);
            }

            #[test]
            fn mysql() {
                crate::support::run(crate::support::Backend::MySql, $test);
            }
        }
    };
}

pub(crate) use on_every_backend;
