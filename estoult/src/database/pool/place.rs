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

impl Place {
    /// Closes a connection whose lifespans have ended; whoever waits for it does that.
    #[cold]
    fn part(self, session: Box<dyn Session>) {
        // Handed over first: who sees that nobody holds it any more finds the session.
        let left = self.shared.returned.hand_over(session);
        self.kept.holder.give_back();
        drop(Object::take(self.kept));
        self.shared.returned.tell();
        if let Some(session) = left {
            close_in_background(session, false);
        }
    }
}

impl Home for Place {
    fn keep(mut self: Box<Self>, session: Box<dyn Session>) {
        let era = self.kept.holder.era();
        if !self.shared.is_current(era) {
            return self.part(session);
        }
        self.kept.holder.give_back();
        if self.shared.starving.load(Ordering::SeqCst) > 0 {
            // Another runtime waits for a place: this connection does not go idle.
            drop(Object::take(self.kept));
            close_in_background(session, false);
            return;
        }
        self.kept.session = Some(session);
        drop(self.kept);
        // Somebody may have begun to wait in between, or the last lifespan ended, and saw no idle connection then.
        if self.shared.starving.load(Ordering::SeqCst) > 0 {
            self.shared.evict_idle();
        }
        if !self.shared.is_current(era) {
            self.shared.sweep();
        }
    }

    fn forget(self: Box<Self>) {
        self.kept.holder.give_back();
        let is_awaited = !self.shared.is_current(self.kept.holder.era());
        drop(Object::take(self.kept));
        if is_awaited {
            self.shared.returned.tell();
        }
    }

    fn note_transaction(&self, is_open: bool) {
        self.kept.holder.note_transaction(is_open);
    }

    fn note_loss(&self) {
        self.shared.note_loss();
    }
}
