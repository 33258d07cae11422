//! Where sync code stands that wants to wait: whether a scheduler of tokio stands still for as long as it does.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Wake, Waker},
};

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::yield_now,
};

/// Where the calling code stands.
pub(super) enum Place {
    /// On a thread without a runtime.
    Outside,
    /// On a thread that holds up nobody but itself: the main future of a multi-thread runtime, also in a `LocalSet`; a
    /// thread for blocking work; a thread that has only entered a runtime.
    Beside(Handle),
    /// In a task of a multi-thread runtime, on one of its workers.
    Worker(Handle),
    /// On the thread that drives a current-thread runtime.
    Driver,
}

impl Place {
    pub(super) fn here() -> Self {
        let Ok(runtime) = Handle::try_current() else {
            return Self::Outside;
        };
        match (is_scheduler(), runtime.runtime_flavor()) {
            (false, _) => Self::Beside(runtime),
            (true, RuntimeFlavor::MultiThread) => Self::Worker(runtime),
            (true, _) => Self::Driver,
        }
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Whether a scheduler waits for this thread. Such a one keeps the wake of a task that yields for later, and everywhere
/// else it comes at once; tokio has no direct way to ask.
fn is_scheduler() -> bool {
    let woken = Arc::new(Woken(AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&woken));
    let yielding = pin!(yield_now());
    let _ = yielding.poll(&mut Context::from_waker(&waker));
    !woken.0.load(Ordering::Relaxed)
}
