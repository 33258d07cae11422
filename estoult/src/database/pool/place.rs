//! Where a leased connection goes when it comes back.

use std::sync::{Arc, atomic::Ordering};

use deadpool::managed::Object;

use super::shared::{Opener, Shared};
use crate::{
    backend::Session,
    database::lease::{Home, close_in_background},
};

/// A leased connection's place in its set.
pub(super) struct Place {
    kept: Object<Opener>,
    shared: Arc<Shared>,
}

impl Place {
    pub(super) fn new(kept: Object<Opener>, shared: Arc<Shared>) -> Self {
        Self { kept, shared }
    }
}

impl Home for Place {
    fn keep(mut self: Box<Self>, session: Box<dyn Session>) {
        self.kept.holder.give_back();
        let is_closed = self.shared.is_closed.load(Ordering::SeqCst);
        if is_closed || self.shared.starving.load(Ordering::SeqCst) > 0 {
            // Another runtime waits for a place, or nobody does any more: this connection does not go idle.
            drop(Object::take(self.kept));
            close_in_background(session, false);
            return;
        }
        self.kept.session = Some(session);
        drop(self.kept);
        // Somebody may have begun to wait in between, who saw no idle connection then.
        if self.shared.starving.load(Ordering::SeqCst) > 0 {
            self.shared.evict_idle();
        }
    }

    fn forget(self: Box<Self>) {
        self.kept.holder.give_back();
        drop(Object::take(self.kept));
    }

    fn note_transaction(&self, is_open: bool) {
        self.kept.holder.note_transaction(is_open);
    }

    fn note_loss(&self) {
        self.shared.note_loss();
    }
}
