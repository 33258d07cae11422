//! What happens when a database is used that no lifespan keeps connected.

use std::{
    collections::HashSet,
    panic::Location,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    context::Context,
    database::Database,
    error::{Error, Result},
};

/// What happens when a database is used that no lifespan keeps connected.
///
/// It is set for one database with [`not_connected`](crate::DatabaseBuilder::not_connected), and for those of a
/// registry that say nothing themselves with [`RegistryBuilder::not_connected`](crate::RegistryBuilder::not_connected).
/// [`Database::used_unconnected`] counts each use, whatever is set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DatabaseNotConnected {
    /// The use works, on a connection that is opened for it and closed afterwards. A warning through `tracing` says so
    /// once for each place in the program.
    #[default]
    Warn,
    /// The use is an error of the kind [`Configuration`](crate::ErrorKind::Configuration), and nothing is opened.
    Error,
    /// The use works as with [`Warn`](Self::Warn), and nothing is said.
    Silent,
}

/// The uses of one database outside of lifespans.
#[derive(Debug, Default)]
pub(crate) struct Unconnected {
    times: AtomicU64,
    /// The places that were told of.
    places: Mutex<HashSet<&'static Location<'static>>>,
}

impl Unconnected {
    pub(crate) fn times(&self) -> u64 {
        self.times.load(Ordering::Relaxed)
    }

    /// Counts a use, and does about it what is set.
    pub(crate) fn note(
        &self,
        database: &Database,
        policy: DatabaseNotConnected,
        origin: &'static Location<'static>,
    ) -> Result<()> {
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
                         call `connect()` and keep the lifespan; this place is told of once"
                    );
                }
                Ok(())
            }
        }
    }

    fn is_new(&self, origin: &'static Location<'static>) -> bool {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.insert(origin)
    }
}
