//! [`ThreadKind`]: whether a scheduler of tokio is blocked while sync code on this thread waits.

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

/// The thread that sync code waits on.
pub(super) enum ThreadKind {
    /// On a thread without a runtime.
    NoRuntime,
    /// With a runtime, but on a thread that no scheduler waits for: the main future of a multi-thread runtime, also in
    /// a `LocalSet`; a thread for blocking work; a thread that has only entered a runtime.
    OffScheduler(Handle),
    /// In a task of a multi-thread runtime, on one of its workers.
    Worker(Handle),
    /// On the thread that drives a current-thread runtime.
    CurrentThread,
}

impl ThreadKind {
    pub(super) fn current() -> Self {
        let Ok(runtime) = Handle::try_current() else {
            return Self::NoRuntime;
        };
        match (is_scheduler(), runtime.runtime_flavor()) {
            (false, _) => Self::OffScheduler(runtime),
            (true, RuntimeFlavor::MultiThread) => Self::Worker(runtime),
            (true, _) => Self::CurrentThread,
        }
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        // Relaxed: only a wake on the same thread counts, during the poll below.
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Whether a scheduler waits for this thread. tokio has no direct way to ask, but a scheduler defers the wake of a task
/// that yields; everywhere else the wake comes at once.
fn is_scheduler() -> bool {
    let woken = Arc::new(Woken(AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&woken));
    let yielding = pin!(yield_now());
    // Always pending: the outcome is whether the wake came by now.
    let _ = yielding.poll(&mut Context::from_waker(&waker));
    !woken.0.load(Ordering::Relaxed)
}
