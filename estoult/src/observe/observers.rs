//! [`Observers`]: the observers of a database, under its name.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use tracing::level_filters::LevelFilter;

use super::{
    event::Event,
    log::{self, Measured},
    observer::Observer,
};

/// The observers of a database, and its name for them.
#[derive(Clone)]
pub(crate) struct Observers {
    database: String,
    /// Statements that take longer are logged as warnings.
    slow: Duration,
    listeners: Vec<Arc<dyn Observer>>,
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observers")
            .field("database", &self.database)
            .field("listeners", &self.listeners.len())
            .finish_non_exhaustive()
    }
}

impl Observers {
    pub(crate) fn new(database: &str, slow: Option<Duration>) -> Self {
        Self {
            database: database.to_owned(),
            slow: slow.unwrap_or(Duration::MAX),
            listeners: Vec::new(),
        }
    }

    /// The name of the database.
    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// The same under another name.
    pub(crate) fn named(&self, database: &str) -> Self {
        Self {
            database: database.to_owned(),
            ..self.clone()
        }
    }

    /// The same with these observers, too.
    pub(crate) fn and(&self, listeners: &[Arc<dyn Observer>]) -> Self {
        let mut all = self.clone();
        all.listeners.extend_from_slice(listeners);
        all
    }

    /// Whether any listener may exist: one atomic flag of `tracing`, and no lock.
    #[inline]
    pub(crate) fn may_listen(&self) -> bool {
        !self.listeners.is_empty() || LevelFilter::current() != LevelFilter::OFF
    }

    /// What the present listeners want; `None` where there is none.
    pub(super) fn wanted(&self) -> Option<Measured> {
        if self
            .listeners
            .iter()
            .any(|listener| listener.is_listening())
        {
            return Some(Measured::All);
        }
        log::wanted(self.slow)
    }

    pub(super) fn tell(&self, event: &Event<'_>) {
        for listener in &self.listeners {
            let told = catch_unwind(AssertUnwindSafe(|| {
                if listener.is_listening() {
                    listener.observe(event);
                }
            }));
            if told.is_err() {
                caught(|| {
                    tracing::warn!(
                        database = self.database,
                        "an observer panicked; what it observed is not affected"
                    );
                });
            }
        }
        caught(|| log::write(event, self.slow));
    }
}

/// Calls the program's own subscriber. Its panic must not unwind through a statement that has taken effect.
fn caught(work: impl FnOnce()) {
    // The hook for panics has printed it.
    let _ = catch_unwind(AssertUnwindSafe(work));
}
