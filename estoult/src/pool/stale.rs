//! [`StaleCheck`]: when to search for idle connections that are too old. Not on each acquire, which would cost more
//! than the acquire, but often enough that none stays open for long.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Searches for stale connections at most four times within the age that makes them stale.
#[derive(Debug)]
pub(super) struct StaleCheck {
    age: Option<Duration>,
    last: Mutex<Instant>,
}

impl StaleCheck {
    pub(super) fn new(age: Option<Duration>) -> Self {
        Self {
            age,
            last: Mutex::new(Instant::now()),
        }
    }

    /// The age beyond which idle connections are to be closed now.
    pub(super) fn due(&self) -> Option<Duration> {
        let age = self.age?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() < age / 4 {
            return None;
        }
        // Set under the lock, so that of several callers one does the search.
        *last = Instant::now();
        Some(age)
    }
}
