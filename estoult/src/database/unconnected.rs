//! [`Unconnected`]: counts the uses of a database that no lifespan keeps connected, and warns about them.

use std::{
    collections::HashSet,
    fmt,
    panic::Location,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    backend::DatabaseNotConnected,
    context::Context,
    error::{Error, Result},
};

/// The uses of one database outside of lifespans.
#[derive(Debug, Default)]
pub(crate) struct Unconnected {
    times: AtomicU64,
    /// The call sites that a warning has named: each is reported once.
    reported: Mutex<HashSet<&'static Location<'static>>>,
}

impl Unconnected {
    pub(crate) fn times(&self) -> u64 {
        self.times.load(Ordering::Relaxed)
    }

    /// Counts a use, and warns or refuses it, as the setting says.
    pub(crate) fn note(
        &self,
        database: &impl fmt::Display,
        policy: DatabaseNotConnected,
        origin: &'static Location<'static>,
    ) -> Result<()> {
        // Relaxed: a counter alone.
        let times = self.times.fetch_add(1, Ordering::Relaxed) + 1;
        match policy {
            DatabaseNotConnected::Silent => Ok(()),
            DatabaseNotConnected::Error => Err(Error::configuration(format!(
                "use {database}: it is not connected; call `connect()` first and keep the lifespan for as long as the \
                 database is used"
            ))
            .at(origin)),
            DatabaseNotConnected::Warn => {
                if self.is_new(origin) {
                    tracing::warn!(
                        database = %database,
                        at = %format_args!("{}:{}{}", origin.file(), origin.line(), Context::current().tag_list()),
                        times,
                        "a database is used that is not connected: each use opens a connection of its own; \
                         call `connect()` and keep the lifespan; each place is reported once"
                    );
                }
                Ok(())
            }
        }
    }

    fn is_new(&self, origin: &'static Location<'static>) -> bool {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        reported.insert(origin)
    }
}
