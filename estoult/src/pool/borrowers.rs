//! [`Borrowers`]: which connections of a database are in use, and by what code.

use std::sync::{Mutex, PoisonError, Weak};

use super::borrower::{Borrower, SharedBorrower};

/// The borrowers of all connections that are open.
#[derive(Debug, Default)]
pub(super) struct Borrowers(Mutex<Vec<Weak<Borrower>>>);

impl Borrowers {
    /// The borrower of a connection that is opened in this generation.
    pub(super) fn add(&self, generation: u64) -> SharedBorrower {
        let borrower = SharedBorrower::new(Borrower::new(generation));
        let mut borrowers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Connections close without a notice to this list, so a new one removes the entries of those that are gone.
        borrowers.retain(|borrower| borrower.strong_count() > 0);
        borrowers.push(std::sync::Arc::downgrade(&borrower));
        borrower
    }

    /// One text for each connection in use, but for those of the generation that is left out.
    pub(super) fn describe(&self, left_out: Option<u64>) -> Vec<String> {
        let borrowers = self.open(left_out);
        let descriptions = borrowers.iter().filter_map(|borrower| borrower.describe());
        let mut lines: Vec<_> = descriptions.collect();
        lines.sort();
        lines
    }

    /// How many connections are in use, but for those of the generation that is left out.
    pub(super) fn count(&self, left_out: Option<u64>) -> usize {
        let borrowers = self.open(left_out);
        borrowers
            .iter()
            .filter(|borrower| borrower.is_held())
            .count()
    }

    // Cloned, so that no caller takes the lock of a borrower while it holds that of the list.
    fn open(&self, left_out: Option<u64>) -> Vec<SharedBorrower> {
        let borrowers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        borrowers
            .iter()
            .filter_map(Weak::upgrade)
            .filter(|borrower| Some(borrower.generation()) != left_out)
            .collect()
    }
}
