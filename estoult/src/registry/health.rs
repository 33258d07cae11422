//! Health checks of all databases of a registry.

use std::{fmt, time::Duration};

use super::Registry;
use crate::{
    database::{ANSWER_WITHIN, DatabaseHealth},
    runtime::{BoxFuture, join_bounded},
};

/// How many databases are checked at the same time.
const MAX_AT_ONCE: usize = 64;

/// The health of the databases of a registry; see [`Registry::health`].
#[derive(Debug)]
pub struct Health {
    databases: Vec<DatabaseHealth>,
}

impl Health {
    /// Each database, the default one first.
    #[must_use]
    pub fn databases(&self) -> &[DatabaseHealth] {
        &self.databases
    }

    /// Whether every database answered.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.databases.iter().all(DatabaseHealth::is_healthy)
    }
}

/// One line a database.
impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, database) in self.databases.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            database.fmt(f)?;
        }
        Ok(())
    }
}

impl Registry {
    /// Checks each database, all at once. A database that does not answer within five seconds is reported
    /// as one that failed.
    ///
    /// A connected database is checked on one of its own connections; that none is free in time is a failure. One that
    /// is not connected is checked on a connection that is opened for this, without a warning.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> estoult::Result<()> {
    /// let registry = estoult::Registry::builder("sqlite::memory:").build()?;
    /// let lifespan = registry.connect().await?;
    /// let health = registry.health().await;
    /// assert!(health.is_healthy(), "{health}");
    /// lifespan.close().await
    /// # }
    /// ```
    pub async fn health(&self) -> Health {
        self.health_within(ANSWER_WITHIN).await
    }

    /// As [`health`](Self::health), with another limit for each database.
    pub async fn health_within(&self, limit: Duration) -> Health {
        let asked = self
            .databases()
            .cloned()
            .map(|database| -> BoxFuture<'_, _> {
                Box::pin(async move { database.health_within(limit).await })
            });
        Health {
            databases: join_bounded(asked.collect(), MAX_AT_ONCE).await,
        }
    }
}
