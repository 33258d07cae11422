//! [`ThreadWaker`]: wakes a thread that sleeps until its future can go on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Wake,
    thread::{self, Thread},
};

/// Wakes the thread that waits. The flag remembers a wake that comes while the thread still polls.
pub(crate) struct ThreadWaker {
    thread: Thread,
    is_set: AtomicBool,
}

impl Wake for ThreadWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Release, paired with the acquire in `take`: the poll sees what was written before the wake. One unpark is
        // enough until the flag is taken.
        if !self.is_set.swap(true, Ordering::AcqRel) {
            self.thread.unpark();
        }
    }
}

impl ThreadWaker {
    /// That of the present thread.
    pub(crate) fn here() -> Arc<Self> {
        Arc::new(Self {
            thread: thread::current(),
            is_set: AtomicBool::new(false),
        })
    }

    /// Whether the thread was woken since the last call. It sleeps with `thread::park_timeout`, which returns at once
    /// after a wake, and maybe for no reason.
    pub(crate) fn take(&self) -> bool {
        self.is_set.swap(false, Ordering::AcqRel)
    }
}
