//! Extensions of estoult: [`pool`], pooled databases for long-lived services, [`rider`], migrations, and [`program`],
//! the program `estoult` with its shell.
#![cfg_attr(
    not(all(feature = "rider", feature = "shell")),
    allow(
        dead_code,
        reason = "what only one of them has to know of a database is there in every build"
    )
)]

#[cfg(feature = "pool")]
pub mod pool;

#[cfg(any(feature = "rider", feature = "shell"))]
mod backend;
#[cfg(feature = "rider")]
pub mod cli;
#[cfg(feature = "rider")]
pub mod rider;

#[cfg(feature = "shell")]
pub mod program;
#[cfg(feature = "shell")]
mod shell;
