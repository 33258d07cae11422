//! Which connections are pooled on release, those of the present generation, and which are in use.
//!
//! The generation counts how often lifespans started and ended. Odd: a lifespan is open. Even: none is. A connection
//! remembers the generation in which it was opened: on release it is pooled while that is still the present one, and
//! closed otherwise. So a database that is still closing can be connected again at once.

use std::sync::{Arc, PoisonError, Weak, atomic::Ordering};

use super::shared::Shared;
use crate::pool::borrower::{Borrower, SharedBorrower};

impl Shared {
    /// The first lifespan starts: the generation becomes odd.
    pub(super) fn start_lifespan(&self) {
        // An odd generation stays as it is, so that `start_lifespan` may be called twice.
        self.generation.fetch_or(1, Ordering::SeqCst);
    }

    /// The last lifespan ends: the generation becomes even.
    pub(super) fn end_lifespan(&self) {
        let next = |generation: u64| (generation % 2 == 1).then_some(generation + 1);
        // An even generation has no lifespan to end. SeqCst pairs with the second check in `Slot::release`: either that
        // check sees the new generation, or the caller that ends the lifespan finds the idle connection.
        let _ = self
            .generation
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
    }

    /// Starts another generation of the same kind, so that all connections so far are closed on release.
    pub(super) fn end_generation(&self) {
        self.generation.fetch_add(2, Ordering::SeqCst);
    }

    /// Whether a connection that was opened in this generation is pooled on release.
    #[inline]
    pub(super) fn is_current(&self, generation: u64) -> bool {
        generation % 2 == 1 && generation == self.generation.load(Ordering::SeqCst)
    }

    /// The borrower of a connection that is opened in this generation.
    pub(super) fn new_borrower(&self, generation: u64) -> SharedBorrower {
        let borrower = SharedBorrower::new(Borrower::new(generation));
        let mut borrowers = self
            .borrowers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Connections close without a notice to this list, so a new one removes the entries of those that are gone.
        borrowers.retain(|borrower| borrower.strong_count() > 0);
        borrowers.push(Arc::downgrade(&borrower));
        borrower
    }

    /// The borrowers of connections, one text each.
    pub(super) fn held_by(&self) -> Vec<String> {
        descriptions(&self.borrowers())
    }

    /// How many connections are in use, those of ended runtimes too.
    pub(super) fn in_use(&self) -> usize {
        let borrowers = self.borrowers();
        borrowers
            .iter()
            .filter(|borrower| borrower.is_held())
            .count()
    }

    /// The borrowers of connections of lifespans that have ended, one text each.
    pub(super) fn ended_held_by(&self) -> Vec<String> {
        descriptions(&self.ended_borrowers())
    }

    /// How many connections of lifespans that have ended are in use.
    pub(super) fn ended_in_use(&self) -> usize {
        let borrowers = self.ended_borrowers();
        borrowers
            .iter()
            .filter(|borrower| borrower.is_held())
            .count()
    }

    fn ended_borrowers(&self) -> Vec<SharedBorrower> {
        let generation = self.generation.load(Ordering::SeqCst);
        let mut borrowers = self.borrowers();
        borrowers.retain(|borrower| borrower.generation() != generation);
        borrowers
    }

    // Cloned, so that no caller takes the lock of a borrower while it holds that of the list.
    fn borrowers(&self) -> Vec<SharedBorrower> {
        let borrowers = self
            .borrowers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        borrowers.iter().filter_map(Weak::upgrade).collect()
    }
}

fn descriptions(borrowers: &[SharedBorrower]) -> Vec<String> {
    let mut lines: Vec<_> = borrowers
        .iter()
        .filter_map(|borrower| borrower.describe())
        .collect();
    lines.sort();
    lines
}
