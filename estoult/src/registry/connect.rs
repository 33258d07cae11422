//! Connecting all databases of a registry.

use super::Registry;
use crate::{database::Lifespan, error::Result};

impl Registry {
    /// Connects all databases at once: all or none. They stay connected until the lifespan ends.
    ///
    /// Lifespans may be nested and may overlap; the last one to end disconnects.
    ///
    /// # Errors
    ///
    /// `Connection` when a database can't be reached; the message names every one that failed, and connections to the
    /// others are closed again.
    pub async fn connect(&self) -> Result<Lifespan> {
        Lifespan::begin(self.databases().cloned().collect()).await
    }
}
