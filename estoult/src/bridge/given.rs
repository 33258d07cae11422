//! Runtimes that a program hands over, and which of them sync code is inside of.

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
    drive::{self, Bounds},
    off_worker,
    place::Place,
    pulse::Pulse,
    subloop::on_a_thread,
};
use crate::error::{Error, ErrorKind, Result};

/// How long a runtime may take to run a task, if the program does not say.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);
/// How often an idle runtime is given its turn while a question is open.
const TURNS: usize = 64;

scoped_thread_local!(static RUNTIME: Runtime);

thread_local! {
    static GIVEN: RefCell<Vec<Given>> = const { RefCell::new(Vec::new()) };
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
pub(super) struct Given {
    pub(super) handle: Handle,
    /// The runtime that ran around it; inside of another one, that one counts.
    around: Option<Id>,
    /// Whether the thread has to drive it.
    is_driven_here: bool,
    /// Within which time it has to answer, where others drive it.
    answers_within: Option<Duration>,
}

/// Leaves a runtime when it is dropped.
struct Leave;

impl Drop for Leave {
    fn drop(&mut self) {
        GIVEN.with_borrow_mut(Vec::pop);
    }
}

impl EnvironmentRuntime<'_> {
    /// How long the runtime may take to run a task before it counts as one that nobody drives: three seconds, if
    /// nothing else is said.
    #[must_use]
    pub fn answers_within(mut self, limit: Duration) -> Self {
        self.answers_within = limit;
        self
    }

    /// Runs work inside of the runtime, when that lives.
    pub(super) fn surround<T>(self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let around = Handle::try_current().ok().map(|runtime| runtime.id());
        if around == Some(self.handle.id()) && !matches!(Place::here(), Place::Beside(_)) {
            // It runs right here, which is what `run_sync` looks at first.
            return work();
        }
        let is_current_thread = self.handle.runtime_flavor() == RuntimeFlavor::CurrentThread;
        match self.runtime {
            None => Pulse::of(&self.handle).wait(self.answers_within, self.answers_within)?,
            Some(runtime) if is_current_thread => self.see_idle(runtime, around.is_none())?,
            Some(_) => {}
        }
        let given = Given {
            handle: self.handle,
            around,
            is_driven_here: is_current_thread && self.runtime.is_some(),
            answers_within: self.runtime.is_none().then_some(self.answers_within),
        };
        GIVEN.with_borrow_mut(|all| all.push(given));
        let _leave = Leave;
        match self.runtime {
            Some(runtime) => RUNTIME.set(runtime, work),
            None => work(),
        }
    }

    /// Whether a runtime on one thread runs a task: this thread drives it, when no other one does.
    fn see_idle(&self, runtime: &Runtime, is_outside: bool) -> Result<()> {
        let look = || {
            let (pulse, begun) = (Pulse::of(&self.handle), Instant::now());
            loop {
                runtime.block_on(async {
                    for _ in 0..TURNS {
                        yield_now().await;
                    }
                });
                let is_over = begun.elapsed() >= self.answers_within;
                let answer = pulse.wait(Duration::from_millis(1), self.answers_within);
                if answer.is_ok() || is_over {
                    return answer;
                }
            }
        };
        if is_outside {
            look()
        } else {
            on_a_thread(look)
        }
    }
}

/// The runtime that counts here, if the program gave one.
pub(super) fn innermost() -> Option<Given> {
    GIVEN
        .try_with(|all| {
            let all = all.borrow();
            let given = all.last()?;
            let around = Handle::try_current().ok().map(|runtime| runtime.id());
            (given.around == around).then(|| given.clone())
        })
        .ok()
        .flatten()
}

impl Given {
    /// Waits for a future that runs on it.
    pub(super) fn wait<T: Send>(
        &self,
        bounds: Bounds,
        future: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let place = Place::here();
        if self.is_driven_here {
            return RUNTIME.with(|runtime| {
                let alone = || drive::alone(runtime, bounds, future);
                match place {
                    Place::Outside => alone(),
                    Place::Worker(_) => off_worker(|| on_a_thread(alone)),
                    Place::Beside(_) | Place::Driver => on_a_thread(alone),
                }
            });
        }
        let here = || {
            let _entered = self.handle.enter();
            let bounds = bounds.answered(self.answers_within);
            let outcome = drive::here(&self.handle, bounds, future);
            outcome.map_err(|error| self.explain(error))
        };
        match place {
            Place::Outside | Place::Beside(_) => here(),
            Place::Worker(_) => off_worker(here),
            Place::Driver => on_a_thread(here),
        }
    }

    /// What fails on a runtime that has ended failed for that reason.
    fn explain(&self, error: Error) -> Error {
        let is_lost = matches!(error.kind(), ErrorKind::Connection);
        if is_lost && Pulse::of(&self.handle).has_ended() {
            return error.context(Pulse::ended().message());
        }
        error
    }
}
