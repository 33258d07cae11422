//! [`Generation`]: which connections are pooled on release.
//!
//! It counts how often lifespans started and ended. Odd: a lifespan is open. Even: none is. A connection remembers the
//! generation in which it was opened: on release it is pooled while that is still the present one, and closed
//! otherwise. So a database that is still closing can be connected again at once.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often the lifespans of a database started and ended.
#[derive(Debug, Default)]
pub(super) struct Generation(AtomicU64);

impl Generation {
    pub(super) fn number(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// The first lifespan starts: the generation becomes odd.
    pub(super) fn start_lifespan(&self) {
        // An odd generation stays as it is, so that `start_lifespan` may be called twice.
        self.0.fetch_or(1, Ordering::SeqCst);
    }

    /// The last lifespan ends: the generation becomes even.
    pub(super) fn end_lifespan(&self) {
        let next = |generation: u64| (generation % 2 == 1).then_some(generation + 1);
        // An even generation has no lifespan to end. A release looks at it under the lock of the idle connections:
        // either it sees the new generation, or the caller that ends the lifespan finds the connection idle.
        let _ = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
    }

    /// Starts another generation of the same kind, so that all connections so far are closed on release.
    pub(super) fn skip(&self) {
        self.0.fetch_add(2, Ordering::SeqCst);
    }

    /// Whether a connection that was opened in this generation is pooled on release.
    #[inline]
    pub(super) fn is_current(&self, generation: u64) -> bool {
        generation % 2 == 1 && generation == self.number()
    }
}
