//! External runtimes: those that a program hands over, and which of them sync code is in.
//!
//! With `&Runtime` and one thread, this thread may drive the runtime itself. With a handle, other threads must drive
//! it, which is checked: a runtime that no thread drives would never wake the caller.

use std::{
    cell::RefCell,
    future::Future,
    time::{Duration, Instant},
};

use scoped_tls::scoped_thread_local;
use tokio::{
    runtime::{Handle, Id, Runtime, RuntimeFlavor},
    task::yield_now,
};

use super::{
    block_on::{self, Bounds},
    liveness::LivenessProbe,
    new_thread::on_new_thread,
    thread_kind::ThreadKind,
    worker::off_worker,
};
use crate::error::{Error, ErrorKind, Result};

/// How long a runtime may take to run a task by default.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);
/// How often the main future yields to the runtime's tasks while a probe is open.
const YIELDS_PER_PROBE: usize = 64;

scoped_thread_local!(static DRIVEN_RUNTIME: Runtime);

thread_local! {
    static EXTERNALS: RefCell<Vec<External>> = const { RefCell::new(Vec::new()) };
}

/// A runtime of the program's own for [`with_async_env_on`](crate::Registry::with_async_env_on): `&Runtime`, `&Handle`
/// or `Handle`.
///
/// ```
/// use std::time::Duration;
/// use estoult::EnvironmentRuntime;
///
/// let runtime = tokio::runtime::Runtime::new()?;
/// let patient = EnvironmentRuntime::from(runtime.handle()).answers_within(Duration::from_secs(10));
/// # let _ = patient;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct EnvironmentRuntime<'r> {
    runtime: Option<&'r Runtime>,
    handle: Handle,
    answers_within: Duration,
}

impl<'r> From<&'r Runtime> for EnvironmentRuntime<'r> {
    fn from(runtime: &'r Runtime) -> Self {
        Self {
            runtime: Some(runtime),
            ..Self::from(runtime.handle())
        }
    }
}

impl From<&Handle> for EnvironmentRuntime<'_> {
    fn from(handle: &Handle) -> Self {
        Self::from(handle.clone())
    }
}

impl From<Handle> for EnvironmentRuntime<'_> {
    fn from(handle: Handle) -> Self {
        Self {
            runtime: None,
            handle,
            answers_within: ANSWERS_WITHIN,
        }
    }
}

/// A runtime that the present code is inside of.
#[derive(Debug, Clone)]
pub(super) struct External {
    pub(super) handle: Handle,
    /// The runtime that ran around it. Where another one runs by now, that one counts.
    outer: Option<Id>,
    /// Whether the thread has to drive it.
    is_driven_here: bool,
    /// How long it may take to answer, where other threads drive it.
    answers_within: Option<Duration>,
}

/// Leaves the innermost external runtime when it is dropped.
struct ExternalGuard;

impl Drop for ExternalGuard {
    fn drop(&mut self) {
        EXTERNALS.with_borrow_mut(Vec::pop);
    }
}

impl EnvironmentRuntime<'_> {
    /// How long the runtime may take to run a task before it counts as one that no thread drives: by default three
    /// seconds.
    #[must_use]
    pub fn answers_within(mut self, limit: Duration) -> Self {
        self.answers_within = limit;
        self
    }

    /// Runs work inside of the runtime, provided that it answers.
    pub(super) fn run_inside<T>(self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let outer = Handle::try_current().ok().map(|runtime| runtime.id());
        if outer == Some(self.handle.id())
            && !matches!(ThreadKind::current(), ThreadKind::OffScheduler(_))
        {
            // The runtime runs on this very thread, where `run_sync` finds it without help.
            return work();
        }
        let is_current_thread = self.handle.runtime_flavor() == RuntimeFlavor::CurrentThread;
        match self.runtime {
            // A handle may have lost its runtime. A runtime that is lent has not ended, and with several threads it
            // drives itself.
            None => {
                LivenessProbe::of(&self.handle).wait(self.answers_within, self.answers_within)?
            }
            Some(runtime) if is_current_thread => self.check_idle(runtime, outer.is_none())?,
            Some(_) => {}
        }
        let external = External {
            handle: self.handle,
            outer,
            is_driven_here: is_current_thread && self.runtime.is_some(),
            answers_within: self.runtime.is_none().then_some(self.answers_within),
        };
        EXTERNALS.with_borrow_mut(|all| all.push(external));
        let _guard = ExternalGuard;
        match self.runtime {
            Some(runtime) => DRIVEN_RUNTIME.set(runtime, work),
            None => work(),
        }
    }

    /// Checks that a current-thread runtime runs a task: this thread drives it when no other thread does.
    fn check_idle(&self, runtime: &Runtime, is_outside: bool) -> Result<()> {
        let check = || {
            let (probe, begun) = (LivenessProbe::of(&self.handle), Instant::now());
            loop {
                // If another thread drives the runtime, its tasks run there, and this future is polled beside them.
                runtime.block_on(async {
                    for _ in 0..YIELDS_PER_PROBE {
                        yield_now().await;
                    }
                });
                let is_over = begun.elapsed() >= self.answers_within;
                let answer = probe.wait(Duration::from_millis(1), self.answers_within);
                if answer.is_ok() || is_over {
                    return answer;
                }
            }
        };
        // Within another runtime `block_on` would panic, so another thread calls it.
        if is_outside {
            check()
        } else {
            on_new_thread(check)
        }
    }
}

/// The runtime that counts here, if the program gave one.
pub(super) fn innermost() -> Option<External> {
    EXTERNALS
        .try_with(|all| {
            let all = all.borrow();
            let external = all.last()?;
            let outer = Handle::try_current().ok().map(|runtime| runtime.id());
            (external.outer == outer).then(|| external.clone())
        })
        .ok()
        .flatten()
}

impl External {
    /// Waits for a future that runs on it. Each kind of thread may block in another way; see `dispatch`.
    pub(super) fn wait<T: Send>(
        &self,
        bounds: Bounds,
        future: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let kind = ThreadKind::current();
        if self.is_driven_here {
            return DRIVEN_RUNTIME.with(|runtime| {
                let drive = || block_on::drive_runtime(runtime, bounds, future);
                match kind {
                    ThreadKind::NoRuntime => drive(),
                    ThreadKind::Worker(_) => off_worker(|| on_new_thread(drive)),
                    ThreadKind::OffScheduler(_) | ThreadKind::CurrentThread => on_new_thread(drive),
                }
            });
        }
        let drive_here = || {
            let _entered = self.handle.enter();
            let bounds = bounds.answered(self.answers_within);
            let outcome = block_on::drive_future(&self.handle, bounds, future);
            outcome.map_err(|error| self.explain(error))
        };
        match kind {
            ThreadKind::NoRuntime | ThreadKind::OffScheduler(_) => drive_here(),
            ThreadKind::Worker(_) => off_worker(drive_here),
            ThreadKind::CurrentThread => on_new_thread(drive_here),
        }
    }

    /// Names the end of the runtime as the reason, where it has ended: the driver only reports a lost connection.
    fn explain(&self, error: Error) -> Error {
        let is_lost = matches!(error.kind(), ErrorKind::Connection);
        if is_lost && LivenessProbe::of(&self.handle).has_ended() {
            return error.context(LivenessProbe::ended().message());
        }
        error
    }
}
