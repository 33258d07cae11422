//! What the suite shares: a fresh database for each test, on every backend; tables from schemas; the servers.

mod capture;
mod cases;
pub(crate) mod certificates;
mod database;
mod dice;
pub(crate) mod fake_postgres;
mod listed;
pub(crate) mod postgres_setup;
mod program;
mod property;
mod proxy;
pub(crate) mod relay;
mod relay_tests;
pub(crate) mod schemas;
pub(crate) mod servers;
mod table;
mod text;
mod wait;

pub(crate) use self::{
    capture::Capture,
    cases::{cases, chosen, first_seed},
    database::{Backend, Fresh, run, run_fresh, runtime},
    dice::Dice,
    listed::Listing,
    program::{Ended, Program},
    property::{for_any, property},
    proxy::{Proxy, Treatment},
    table::create_table,
    text::{mask, wrap},
    wait::{cut_after, eventually, within},
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

/// As [`on_every_backend`], for tests that open handles of their own: a closure that takes `&Fresh` and gives
/// `estoult::Result<()>`, outside of any runtime.
macro_rules! on_every_fresh {
    ($name:ident, $test:expr $(,)?) => {
        mod $name {
            use super::*;

            #[test]
            fn sqlite() {
                crate::support::run_fresh(crate::support::Backend::Sqlite, $test);
            }

            #[test]
            fn postgres() {
                crate::support::run_fresh(crate::support::Backend::Postgres, $test);
            }

            #[test]
            fn mysql() {
                crate::support::run_fresh(crate::support::Backend::MySql, $test);
            }
        }
    };
}

pub(crate) use on_every_backend;
pub(crate) use on_every_fresh;
