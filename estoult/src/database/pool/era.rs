//! Which connections are kept: those that were opened since the present lifespan began. And who holds them.

use std::sync::{Arc, PoisonError, Weak, atomic::Ordering};

use super::shared::Shared;
use crate::database::lease::{Holder, SharedHolder};

impl Shared {
    /// A lifespan begins where none was.
    pub(super) fn begin(&self) {
        self.era.fetch_or(1, Ordering::SeqCst);
    }

    /// The last lifespan ends.
    pub(super) fn end(&self) {
        let next = |era: u64| (era % 2 == 1).then_some(era + 1);
        // In an even era there is nothing to end.
        let _ = self
            .era
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
    }

    /// All connections so far are to be closed, whether a lifespan goes on or not.
    pub(super) fn turn_over(&self) {
        self.era.fetch_add(2, Ordering::SeqCst);
    }

    /// Whether a connection that was opened in this era is kept.
    #[inline]
    pub(super) fn is_current(&self, era: u64) -> bool {
        era % 2 == 1 && era == self.era.load(Ordering::SeqCst)
    }

    /// The note of who holds a connection that was opened in this era.
    pub(super) fn new_holder(&self, era: u64) -> SharedHolder {
        let holder = SharedHolder::new(Holder::new(era));
        let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        holders.retain(|holder| holder.strong_count() > 0);
        holders.push(Arc::downgrade(&holder));
        holder
    }

    /// Who holds connections, one text each.
    pub(super) fn held_by(&self) -> Vec<String> {
        described(&self.holders())
    }

    /// How many connections are in use, those of ended runtimes too.
    pub(super) fn in_use(&self) -> usize {
        let holders = self.holders();
        holders.iter().filter(|holder| holder.is_held()).count()
    }

    /// Who holds connections of lifespans that have ended, one text each.
    pub(super) fn held_from_before(&self) -> Vec<String> {
        described(&self.holders_from_before())
    }

    /// How many connections of lifespans that have ended are in use.
    pub(super) fn in_use_from_before(&self) -> usize {
        let holders = self.holders_from_before();
        holders.iter().filter(|holder| holder.is_held()).count()
    }

    fn holders_from_before(&self) -> Vec<SharedHolder> {
        let era = self.era.load(Ordering::SeqCst);
        let mut holders = self.holders();
        holders.retain(|holder| holder.era() != era);
        holders
    }

    fn holders(&self) -> Vec<SharedHolder> {
        let holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        holders.iter().filter_map(Weak::upgrade).collect()
    }
}

fn described(holders: &[SharedHolder]) -> Vec<String> {
    let mut lines: Vec<_> = holders
        .iter()
        .filter_map(|holder| holder.describe())
        .collect();
    lines.sort();
    lines
}
