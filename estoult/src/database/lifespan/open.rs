//! [`OpenLifespan`]: counts the open lifespans of the process, and keeps one shared value for as long as there is any.
//!
//! The sync bridge shares its background runtime that way.
//!
//! Invariant: lifespans do not know what the value is.

use std::{
    any::Any,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use crate::error::Result;

/// What is shared by the open lifespans.
pub(crate) type SharedValue = Arc<dyn Any + Send + Sync>;

static OPEN: Mutex<Open> = Mutex::new(Open {
    lifespans: 0,
    kept: None,
    current: None,
});

struct Open {
    lifespans: usize,
    /// Keeps the value while a lifespan is open.
    kept: Option<SharedValue>,
    /// The value, as long as a lifespan or one of its users keeps it.
    current: Option<Weak<dyn Any + Send + Sync>>,
}

impl Open {
    fn current(&self) -> Option<SharedValue> {
        self.current.as_ref()?.upgrade()
    }
}

fn open() -> MutexGuard<'static, Open> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One open lifespan.
#[derive(Debug)]
pub(crate) struct OpenLifespan(());

impl OpenLifespan {
    pub(crate) fn new() -> Self {
        let mut open = open();
        open.lifespans += 1;
        // A caller may use the value from before the first lifespan on; from now on the lifespan keeps it, too.
        if open.kept.is_none() {
            open.kept = open.current();
        }
        Self(())
    }
}

impl Drop for OpenLifespan {
    fn drop(&mut self) {
        let mut open = open();
        open.lifespans -= 1;
        let ended = if open.lifespans == 0 {
            open.kept.take()
        } else {
            None
        };
        drop(open);
        // Dropped after the lock is free: it may end a runtime, and with it tasks that own lifespans.
        drop(ended);
    }
}

/// Whether any lifespan is open.
pub(crate) fn is_any_open() -> bool {
    open().lifespans > 0
}

/// The shared value, which is made when there is none.
pub(crate) fn shared(make: impl FnOnce() -> Result<SharedValue>) -> Result<SharedValue> {
    let mut open = open();
    if let Some(shared) = open.current() {
        return Ok(shared);
    }
    // Made under the lock, so that two callers don't make two; making it starts a thread, but waits for nothing.
    let made = make()?;
    open.current = Some(Arc::downgrade(&made));
    if open.lifespans > 0 {
        open.kept = Some(Arc::clone(&made));
    }
    Ok(made)
}
