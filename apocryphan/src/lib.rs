//! Extensions of estoult: [`pool`], pooled databases for long-lived services, and [`rider`], migrations.

#[cfg(feature = "pool")]
pub mod pool;

#[cfg(feature = "rider")]
mod backend;
#[cfg(feature = "rider")]
pub mod cli;
#[cfg(feature = "rider")]
pub mod rider;
