//! The sync bridge: [`run_sync`] waits for a future from code that is not async, inside of
//! [`with_async_env`](Registry::with_async_env) or of a running runtime.
//!
//! Invariant: no runtime is made behind the caller's back; without an environment there is an error.

mod environment;
mod subloop;

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::block_in_place,
};

use crate::{
    error::{Error, Result},
    registry::Registry,
};

thread_local! {
    /// Whether this thread drives a future of a sync caller, so that work may block right here.
    static MAY_BLOCK: Cell<bool> = const { Cell::new(false) };
}

/// Whether the present code may block its thread: nobody else's future waits for it.
pub(crate) fn may_block() -> bool {
    MAY_BLOCK.get()
}

/// Marks the thread as one that may block, until it is dropped.
struct Blocking(bool);

impl Blocking {
    fn begin() -> Self {
        Self(MAY_BLOCK.replace(true))
    }
}

impl Drop for Blocking {
    fn drop(&mut self) {
        MAY_BLOCK.set(self.0);
    }
}

/// Waits for a future from code that is not async.
///
/// Inside of [`with_async_env`](Registry::with_async_env) the thread drives the future itself. On a worker of a running
/// multi-thread runtime the runtime goes on meanwhile; on a current-thread runtime the future runs on a loop of its
/// own, a subloop, while the calling thread waits.
///
/// ```
/// use estoult::{Registry, run_sync, sql};
///
/// let registry = Registry::builder("sqlite::memory:").build()?;
/// let one: i64 = registry.with_async_env(|| {
///     let (one,) = run_sync(sql("select 1").one(&registry))?;
///     Ok(one)
/// })?;
/// assert_eq!(one, 1);
/// # Ok::<(), estoult::Error>(())
/// ```
///
/// # Errors
///
/// The future's own; `Configuration` when there is neither an environment nor a runtime.
pub fn run_sync<T: Send>(future: impl Future<Output = Result<T>> + Send) -> Result<T> {
    match Handle::try_current() {
        Ok(runtime) if runtime.runtime_flavor() == RuntimeFlavor::MultiThread => {
            on_worker(&runtime, future)
        }
        Ok(_) => subloop::run(future),
        Err(_) => environment::run(future).unwrap_or_else(|| {
            Err(Error::configuration(
                "run a future from sync code: there is no async environment here; \
                 wrap the code in `registry.with_async_env(|| …)`",
            ))
        }),
    }
}

/// Waits on a thread of a multi-thread runtime, whose other work goes on meanwhile.
fn on_worker<T: Send>(
    runtime: &Handle,
    future: impl Future<Output = Result<T>> + Send,
) -> Result<T> {
    let mut future = Some(future);
    let waited = catch_unwind(AssertUnwindSafe(|| {
        block_in_place(|| future.take().map(|future| runtime.block_on(future)))
    }));
    match (waited, future) {
        (Ok(Some(outcome)), _) => outcome,
        // A `LocalSet` refuses: it never runs on a worker, so its thread may wait for another one.
        (Err(_), Some(future)) => subloop::run_on(runtime, future),
        (Err(panic), None) => resume_unwind(panic),
        (Ok(None), _) => Err(Error::configuration(
            "run a future from sync code: it was run before",
        )),
    }
}

impl Registry {
    /// Runs sync code with the databases connected, in which [`run_sync`] can be called.
    ///
    /// The thread gets a runtime of its own, with connections of its own, and keeps both until the outermost call on
    /// this thread ends. Calls may be nested; each thread of a program makes its own.
    ///
    /// # Errors
    ///
    /// The work's own; `Connection` when a database can't be reached; `Configuration` when it is called from async
    /// code, where `.await` does.
    pub fn with_async_env<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        if Handle::try_current().is_ok() {
            return Err(Error::configuration(
                "enter an async environment: a tokio runtime runs here already; connect with \
                 `registry.connect().await` and call `run_sync` right away",
            ));
        }
        let environment = environment::enter()?;
        let lifespan = environment.block_on(self.connect())?;
        let outcome = work();
        let closed = environment.block_on(lifespan.close());
        let value = outcome?;
        closed.map(|()| value)
    }
}
