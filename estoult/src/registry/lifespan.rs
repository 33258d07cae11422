//! The time for which databases are connected: begun for all or none, ended by [`Lifespan::close`] or by dropping it.

use std::{
    fmt,
    time::{Duration, Instant},
};

use super::{
    closing::{self, Closed},
    lives::Hold,
};
use crate::{
    bridge::Owner,
    database::{
        Database,
        together::{Work, together},
    },
    error::{Error, ErrorKind, Result},
};

/// How many databases are connected at the same time.
const CONNECTED_AT_ONCE: usize = 16;
/// How long closing waits for connections in use when nobody says otherwise.
pub(super) const CLOSE_WITHIN: Duration = Duration::from_secs(10);

/// Keeps databases connected for as long as it lives, and so does each clone.
///
/// The last lifespan of a database to end disconnects it. [`close`](Self::close) waits for connections in use. Dropping
/// a lifespan waits for nothing: what is idle is closed in the background, what is in use when it comes back, and
/// `tracing` tells of it, as a warning with the holders when connections are in use.
#[must_use = "the databases are connected only for as long as the lifespan lives"]
pub struct Lifespan {
    holds: Vec<Hold>,
    _subloop: Owner,
}

impl fmt::Debug for Lifespan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.holds.iter().map(|hold| hold.database().name()))
            .finish()
    }
}

impl Clone for Lifespan {
    fn clone(&self) -> Self {
        Self {
            holds: self.holds.iter().map(Hold::share).collect(),
            _subloop: Owner::new(),
        }
    }
}

impl Lifespan {
    /// Connects all of them, or none.
    pub(crate) async fn begin(databases: Vec<Database>) -> Result<Self> {
        // What connects may need the subloop already.
        let subloop = Owner::new();
        let works = databases.into_iter().map(|database| -> Work<_> {
            Box::pin(async move {
                let begun = Hold::begin(&database).await;
                begun.map_err(|error| (database.to_string(), error))
            })
        });
        // A future that is dropped here has holds of all that is connected by then, and so ends them.
        let begun = together(works.collect(), CONNECTED_AT_ONCE).await;
        let (holds, failures): (Vec<_>, Vec<_>) = begun.into_iter().partition(Result::is_ok);
        let lifespan = Self {
            holds: holds.into_iter().flatten().collect(),
            _subloop: subloop,
        };
        let failures: Vec<_> = failures.into_iter().filter_map(Result::err).collect();
        if failures.is_empty() {
            return Ok(lifespan);
        }
        // Its own failures would hide why the attempt failed.
        let closed = lifespan.close_within(CLOSE_WITHIN).await;
        if !closed.is_complete() {
            tracing::warn!(%closed, "not all databases could be connected, and the others not all be disconnected");
        }
        Err(failed(failures))
    }

    /// Ends it: waits for connections in use, ten seconds at most, and closes all.
    ///
    /// # Errors
    ///
    /// `Timeout` when connections were still in use then; the message says by whom. They are closed when they come
    /// back. What an [`on_disconnect`](crate::DatabaseBuilder::on_disconnect) hook gives; the database is disconnected
    /// all the same.
    pub async fn close(self) -> Result<()> {
        let failures = self.close_within(CLOSE_WITHIN).await.into_failures();
        if failures.is_empty() {
            Ok(())
        } else {
            Err(failed(failures))
        }
    }

    /// Ends it as [`close`](Self::close) does, waits for connections in use no longer than this, and reports what
    /// became of each database. The time is that of what runs on disconnect, too.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> estoult::Result<()> {
    /// # use std::time::Duration;
    /// let registry = estoult::Registry::builder("sqlite::memory:").build()?;
    /// let lifespan = registry.connect().await?;
    /// let closed = lifespan.close_within(Duration::from_secs(3)).await;
    /// assert!(closed.is_complete(), "{closed}");
    /// assert_eq!(closed.databases()[0].connections_closed, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn close_within(mut self, limit: Duration) -> Closed {
        let begun = Instant::now();
        // They all leave at once: a future that is dropped half way has ended every one.
        let holds = std::mem::take(&mut self.holds).into_iter();
        let left = holds.map(|hold| (hold.database().clone(), hold.leave(begun + limit)));
        closing::close(left.collect(), begun, limit).await
    }
}

fn failed(mut failures: Vec<(String, Error)>) -> Error {
    failures.sort_by(|(left, _), (right, _)| left.cmp(right));
    let lines: Vec<_> = failures
        .iter()
        .map(|(database, error)| format!("{database}: {}", error.message()))
        .collect();
    let kinds: Vec<_> = failures
        .iter()
        .map(|(_, error)| error.kind().clone())
        .collect();
    let kind = match kinds.as_slice() {
        [first, rest @ ..] if rest.iter().all(|kind| kind == first) => first.clone(),
        _ => ErrorKind::Connection,
    };
    Error::new(kind, lines.join("; "))
}
