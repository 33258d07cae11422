//! apocryphan
#[cfg(feature = "rider")]
mod backend;
#[cfg(feature = "rider")]
pub mod cli;
#[cfg(feature = "rider")]
pub mod rider;
