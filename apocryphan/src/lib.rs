//! Extensions of estoult: [`catalog`], the tables of a live database as data, [`pool`], pooled databases for long-lived
//! services, [`rider`], migrations, and [`program`], the program `estoult` with its shell.
#![cfg_attr(
    not(all(feature = "rider", feature = "shell")),
    allow(
        dead_code,
        reason = "a description of a database is the same in every build, and only some parts use all of it"
    )
)]

#[cfg(feature = "catalog")]
mod backend;
#[cfg(feature = "catalog")]
pub mod catalog;

#[cfg(any(feature = "rider", feature = "shell"))]
mod exit;
#[cfg(feature = "pool")]
pub mod pool;

#[cfg(feature = "rider")]
pub mod cli;
#[cfg(feature = "rider")]
pub mod rider;

#[cfg(feature = "shell")]
pub mod program;
#[cfg(feature = "shell")]
mod shell;
