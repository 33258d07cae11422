//! How many connections a pool has, and what closing them did.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// How many connections a database has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatus {
    /// How many are open.
    pub open: usize,
    /// How many of them are in use.
    pub in_use: usize,
    /// How many callers wait for one.
    pub waiting: usize,
    /// How many there may be at most.
    pub max: usize,
}

/// What closing the connections of ended lifespans did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClosedConnections {
    /// How many connections were closed.
    pub closed: usize,
    /// The holders of those still in use, one text each. They are closed on release.
    pub held_by: Vec<String>,
}

impl ClosedConnections {
    /// An error when some are still in use.
    pub(crate) fn complete(&self, address: &str, within: Duration) -> Result<()> {
        if self.held_by.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Timeout,
            format!(
                "close {address}: connections were still in use after {within:?}, held by {}; they are closed on \
                 release",
                self.held_by.join("; ")
            ),
        ))
    }
}
