//! The async environment of a thread: a current-thread runtime that the thread drives while it waits, and the guards
//! that say for how long.

use std::{
    cell::{Cell, RefCell},
    fmt,
    future::Future,
    marker::PhantomData,
    rc::Rc,
    thread,
    time::Duration,
};

use tokio::runtime::{Builder, Runtime};

use super::{
    drive::{self, Bounds},
    subloop,
};
use crate::{
    blocking,
    error::{Error, Result},
    registry::Lifespan,
};

/// How long a guard that is dropped waits for connections in use.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);

thread_local! {
    static ENTERED: Cell<usize> = const { Cell::new(0) };
    static RUNTIME: RefCell<Option<Rc<Own>>> = const { RefCell::new(None) };
}

/// A thread's own runtime.
struct Own(Option<Runtime>);

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Waiting is no business of whoever happens to be last.
            runtime.shutdown_background();
        }
        blocking::disown();
    }
}

/// One of the environments that a thread is inside of, in whatever order they end.
pub(super) struct Entered(PhantomData<Rc<()>>);

impl Entered {
    pub(super) fn new() -> Self {
        ENTERED.set(ENTERED.get() + 1);
        Self(PhantomData)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        ENTERED.set(ENTERED.get() - 1);
        if ENTERED.get() == 0 {
            rest();
        }
    }
}

/// Keeps the runtime for the thread's next environment, as long as a lifespan elsewhere keeps connections open, and
/// unless somebody left a task on it.
fn rest() {
    let is_kept = subloop::has_owners();
    let ended = RUNTIME.try_with(|runtime| {
        runtime
            .borrow_mut()
            .take_if(|own| !is_kept || own.has_tasks())
    });
    drop(ended);
}

impl Own {
    fn has_tasks(&self) -> bool {
        let alive = |runtime: &Runtime| runtime.metrics().num_alive_tasks() > 0;
        self.0.as_ref().is_some_and(alive)
    }
}

fn own() -> Result<Rc<Own>> {
    RUNTIME
        .try_with(|runtime| {
            let mut runtime = runtime.borrow_mut();
            if let Some(own) = &*runtime {
                return Ok(Rc::clone(own));
            }
            let built = Builder::new_current_thread().enable_all().build();
            let built = built.map_err(|error| {
                Error::configuration(format!("make an async environment: {error}"))
            })?;
            blocking::own(built.handle().id());
            Ok(Rc::clone(runtime.insert(Rc::new(Own(Some(built))))))
        })
        .unwrap_or_else(|_| {
            Err(Error::configuration(
                "run a future from sync code: this thread is ending, and its environment has ended",
            ))
        })
}

/// Drives a future on the thread's environment.
pub(super) fn wait<T>(bounds: Bounds, future: impl Future<Output = Result<T>>) -> Result<T> {
    if ENTERED.get() == 0 {
        return Err(absent());
    }
    let own = own()?;
    match &own.0 {
        Some(runtime) => drive::alone(runtime, bounds, future),
        None => Err(absent()),
    }
}

/// Whether the thread is inside of an environment.
pub(super) fn is_entered() -> bool {
    ENTERED.get() > 0
}

pub(super) fn absent() -> Error {
    Error::configuration(
        "run a future from sync code: there is no async environment here; \
         wrap the code in `registry.with_async_env(|| …)`",
    )
}

/// Sync code's stay among connected databases, from [`enter_sync`](crate::Registry::enter_sync) on.
///
/// Several may overlap on a thread and end in any order. [`close`](Self::close) tells what went wrong in the end;
/// dropping it waits one second at most for connections in use, and not at all while the thread panics.
#[must_use = "the databases are connected only for as long as the environment lives"]
pub struct SyncEnvironment {
    lifespan: Option<Lifespan>,
    _entered: Entered,
}

impl fmt::Debug for SyncEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncEnvironment")
            .field("lifespan", &self.lifespan)
            .finish()
    }
}

impl SyncEnvironment {
    pub(super) fn new(entered: Entered, lifespan: Lifespan) -> Self {
        Self {
            lifespan: Some(lifespan),
            _entered: entered,
        }
    }

    /// Leaves it, and disconnects the databases unless another lifespan keeps them connected.
    ///
    /// # Errors
    ///
    /// Those of [`Lifespan::close`].
    pub fn close(mut self) -> Result<()> {
        match self.lifespan.take() {
            Some(lifespan) => super::wait(Bounds::default(), lifespan.close()),
            None => Ok(()),
        }
    }
}

impl Drop for SyncEnvironment {
    fn drop(&mut self) {
        let Some(lifespan) = self.lifespan.take() else {
            return;
        };
        if thread::panicking() {
            return;
        }
        let closing = async { Ok(lifespan.close_within(LEAVE_WITHIN).await) };
        let left_open = match super::wait(Bounds::default(), closing) {
            Ok(closed) if closed.is_complete() => return,
            Ok(closed) => closed.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::warn!(
            left_open,
            "an async environment was left before all was closed"
        );
    }
}
