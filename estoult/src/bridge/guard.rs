//! [`SyncEnvironment`]: the guard that keeps databases connected for sync code.

use std::{fmt, thread, time::Duration};

use super::{block_on::Bounds, dispatch::wait, environment::Entered};
use crate::{database::Lifespan, error::Result};

/// How long dropping a guard waits for connections in use.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);

/// Keeps databases connected for sync code, from [`enter_sync`](crate::Registry::enter_sync) on.
///
/// Several may overlap on a thread and end in any order. [`close`](Self::close) returns failures of closing; dropping
/// it waits at most one second for connections in use, and not at all while the thread panics.
#[must_use = "the databases are connected only for as long as the environment lives"]
pub struct SyncEnvironment {
    lifespan: Option<Lifespan>,
    /// Dropped last: closing needs the environment.
    _entered: Entered,
}

impl fmt::Debug for SyncEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncEnvironment")
            .field("lifespan", &self.lifespan)
            .finish()
    }
}

impl SyncEnvironment {
    pub(super) fn new(entered: Entered, lifespan: Lifespan) -> Self {
        Self {
            lifespan: Some(lifespan),
            _entered: entered,
        }
    }

    /// Leaves it, and disconnects the databases unless another lifespan keeps them connected.
    ///
    /// # Errors
    ///
    /// Those of [`Lifespan::close`].
    pub fn close(mut self) -> Result<()> {
        match self.lifespan.take() {
            Some(lifespan) => wait(Bounds::default(), lifespan.close()),
            None => Ok(()),
        }
    }
}

impl Drop for SyncEnvironment {
    fn drop(&mut self) {
        let Some(lifespan) = self.lifespan.take() else {
            return;
        };
        if thread::panicking() {
            // A second panic would abort the program. The lifespan is dropped, which closes in the background.
            return;
        }
        let closing = async { Ok(lifespan.close_within(LEAVE_WITHIN).await) };
        let left_open = match wait(Bounds::default(), closing) {
            Ok(closed) if closed.is_complete() => return,
            Ok(closed) => closed.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::warn!(
            left_open,
            "an async environment was dropped before all connections were closed"
        );
    }
}
