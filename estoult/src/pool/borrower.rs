//! [`Borrower`]: the code that holds a connection, for the message of a caller that waited in vain.

use std::{
    panic::Location,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use crate::context::Context;

/// The code that holds a connection, if it is in use.
#[derive(Debug, Default)]
pub(crate) struct Borrower {
    /// The generation of the pool in which its connection was opened.
    generation: u64,
    acquired: Mutex<Option<Acquired>>,
    in_transaction: AtomicBool,
    /// Whether it was dropped in the middle of something that the database still has to end.
    is_recovering: AtomicBool,
}

#[derive(Debug)]
struct Acquired {
    origin: &'static Location<'static>,
    at: Instant,
    context: Context,
}

/// A borrower that the pool and the connection in use share.
pub(crate) type SharedBorrower = Arc<Borrower>;

impl Borrower {
    pub(crate) fn new(generation: u64) -> Self {
        Self {
            generation,
            ..Self::default()
        }
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn take(&self, origin: &'static Location<'static>, now: Instant) {
        // A poisoned lock loses a line of a message, which is no reason to fail. `now` is the time that the pool has
        // read just before: reading the clock again would cost as much as the rest.
        if let Ok(mut acquired) = self.acquired.lock() {
            *acquired = Some(Acquired {
                origin,
                at: now,
                context: Context::current(),
            });
        }
    }

    pub(crate) fn release(&self) {
        if let Ok(mut acquired) = self.acquired.lock() {
            *acquired = None;
        }
        // Relaxed here and below: only messages read the flag.
        self.in_transaction.store(false, Ordering::Relaxed);
        self.is_recovering.store(false, Ordering::Relaxed);
    }

    pub(crate) fn note_recovery(&self) {
        self.is_recovering.store(true, Ordering::Relaxed);
    }

    pub(crate) fn note_transaction(&self, is_open: bool) {
        self.in_transaction.store(is_open, Ordering::Relaxed);
    }

    pub(crate) fn is_held(&self) -> bool {
        self.acquired
            .lock()
            .is_ok_and(|acquired| acquired.is_some())
    }

    /// `src/shop.rs:12 for 4.2 s, in a transaction [request=7]`; `None` when it is idle.
    pub(crate) fn describe(&self) -> Option<String> {
        let acquired = self.acquired.lock().ok()?;
        let acquired = acquired.as_ref()?;
        let transaction = if self.is_recovering.load(Ordering::Relaxed) {
            ", given up, until the database has ended its work"
        } else if self.in_transaction.load(Ordering::Relaxed) {
            ", in a transaction"
        } else {
            ""
        };
        let age = acquired.at.elapsed().as_secs_f32();
        Some(format!(
            "{}:{} for {age:.1} s{transaction}{}",
            acquired.origin.file(),
            acquired.origin.line(),
            acquired.context.tag_list()
        ))
    }
}
