//! When connections that grew old are looked for: not at each use, but often enough that none stays long.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Looks for old connections a few times within the age that makes them old.
#[derive(Debug)]
pub(super) struct Upkeep {
    age: Option<Duration>,
    last: Mutex<Instant>,
}

impl Upkeep {
    pub(super) fn new(age: Option<Duration>) -> Self {
        Self {
            age,
            last: Mutex::new(Instant::now()),
        }
    }

    /// The age beyond which connections are to be closed now.
    pub(super) fn due(&self) -> Option<Duration> {
        let age = self.age?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() < age / 4 {
            return None;
        }
        *last = Instant::now();
        Some(age)
    }
}
