//! Who holds a connection, for the message of a caller that waited in vain.

use std::{
    panic::Location,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use crate::context::Context;

/// Who holds a connection, if anybody does.
#[derive(Debug, Default)]
pub(crate) struct Holder {
    /// In which era of the pool its connection was opened.
    era: u64,
    since: Mutex<Option<Since>>,
    in_transaction: AtomicBool,
}

#[derive(Debug)]
struct Since {
    origin: &'static Location<'static>,
    begun: Instant,
    context: Context,
}

/// Holders that are shared between a pool and its leases.
pub(crate) type SharedHolder = Arc<Holder>;

impl Holder {
    pub(crate) fn new(era: u64) -> Self {
        Self {
            era,
            ..Self::default()
        }
    }

    pub(crate) fn era(&self) -> u64 {
        self.era
    }

    pub(crate) fn take(&self, origin: &'static Location<'static>, now: Instant) {
        if let Ok(mut since) = self.since.lock() {
            *since = Some(Since {
                origin,
                begun: now,
                context: Context::current(),
            });
        }
    }

    pub(crate) fn give_back(&self) {
        if let Ok(mut since) = self.since.lock() {
            *since = None;
        }
        self.in_transaction.store(false, Ordering::Relaxed);
    }

    pub(crate) fn note_transaction(&self, is_open: bool) {
        self.in_transaction.store(is_open, Ordering::Relaxed);
    }

    pub(crate) fn is_held(&self) -> bool {
        self.since.lock().is_ok_and(|since| since.is_some())
    }

    /// `src/shop.rs:12 for 4.2 s, in a transaction [request=7]`; `None` when nobody holds it.
    pub(crate) fn describe(&self) -> Option<String> {
        let since = self.since.lock().ok()?;
        let since = since.as_ref()?;
        let transaction = if self.in_transaction.load(Ordering::Relaxed) {
            ", in a transaction"
        } else {
            ""
        };
        let age = since.begun.elapsed().as_secs_f32();
        Some(format!(
            "{}:{} for {age:.1} s{transaction}{}",
            since.origin.file(),
            since.origin.line(),
            since.context.tag_list()
        ))
    }
}
