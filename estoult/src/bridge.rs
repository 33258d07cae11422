//! The sync bridge: [`run_sync`] waits for a future from code that is not async, inside of
//! [`with_async_env`](Registry::with_async_env) or of a running runtime.
//!
//! Invariant: no runtime is made behind the caller's back; without an environment there is an error.

mod drive;
mod environment;
mod given;
mod place;
mod pulse;
mod subloop;

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
    time::Duration,
};

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::{JoinError, block_in_place},
};

pub(crate) use self::subloop::Owner;
use self::{
    drive::Bounds,
    environment::Entered,
    place::Place,
    pulse::Pulse,
    subloop::{Subloop, on_a_thread},
};
pub use self::{environment::SyncEnvironment, given::EnvironmentRuntime};
use crate::{
    context::Context,
    error::{Error, ErrorKind, Result},
    registry::Registry,
};

/// How much longer than its limit work may take to be dropped.
const GRACE: Duration = Duration::from_millis(250);

/// Waits for a future from code that is not async.
///
/// Inside of [`with_async_env`](Registry::with_async_env) the thread drives the future itself. On a worker of a running
/// multi-thread runtime the runtime goes on meanwhile; on a current-thread runtime the future runs on a loop of its
/// own, a subloop, while the calling thread waits.
///
/// The future sees the [`Context`] of the caller, and a panic of the future goes on in the caller.
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
    wait(Bounds::default(), future)
}

/// As [`run_sync`], but with a limit, after which the future is dropped: what it had not committed is rolled back, and
/// its connection goes back or is closed.
///
/// The limit is kept whenever the future waits. A future that blocks its thread instead is on the caller's own thread
/// most of the time, so nobody can end it: [`run_sync_apart`] lets the caller go even then.
///
/// ```
/// use std::time::Duration;
/// use estoult::{ErrorKind, Registry, run_sync_within};
///
/// let registry = Registry::builder("sqlite::memory:").build()?;
/// let outcome = registry.with_async_env(|| {
///     run_sync_within(Duration::from_millis(5), std::future::pending::<estoult::Result<()>>())
/// });
/// assert!(matches!(outcome.unwrap_err().kind(), ErrorKind::Timeout));
/// # Ok::<(), estoult::Error>(())
/// ```
///
/// # Errors
///
/// `Timeout` when the future was not done in time; else as for [`run_sync`].
pub fn run_sync_within<T: Send>(
    limit: Duration,
    future: impl Future<Output = Result<T>> + Send,
) -> Result<T> {
    wait(Bounds::of(limit), future)
}

/// As [`run_sync_within`], but on a thread of the future's own, which the caller leaves behind when the future blocks
/// it for longer than the limit and a quarter of a second. So the future borrows nothing.
///
/// It takes a change of threads, and connections of the runtime that runs here, or of the subloop.
///
/// ```
/// use std::{thread, time::Duration};
/// use estoult::{ErrorKind, Registry, run_sync_apart};
///
/// let registry = Registry::builder("sqlite::memory:").build()?;
/// let outcome = registry.with_async_env(|| {
///     run_sync_apart(Duration::from_millis(5), async {
///         thread::sleep(Duration::from_secs(2));
///         Ok(())
///     })
/// });
/// assert!(matches!(outcome.unwrap_err().kind(), ErrorKind::Timeout));
/// # Ok::<(), estoult::Error>(())
/// ```
///
/// # Errors
///
/// As for [`run_sync_within`].
pub fn run_sync_apart<T: Send + 'static>(
    limit: Duration,
    future: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let apart = Apart::find()?;
    let (runtime, inside) = (apart.runtime.clone(), Bounds::of(limit));
    let work = Context::current().scope(inside.inside(future));
    let task = apart.runtime.spawn_blocking(move || runtime.block_on(work));
    let patience = Bounds::of(limit.saturating_add(GRACE));
    let join = || drive::here(&apart.runtime, patience, async { Ok(task.await) });
    let joined = match Place::here() {
        Place::Worker(_) => off_worker(join),
        Place::Outside | Place::Beside(_) | Place::Driver => join(),
    };
    match joined {
        Ok(outcome) => outcome.unwrap_or_else(|error| Err(lost(error))),
        Err(_) => Err(stuck(limit)),
    }
}

/// The panic of a task goes on here.
fn lost(error: JoinError) -> Error {
    match error.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(_) => Pulse::ended(),
    }
}

fn stuck(limit: Duration) -> Error {
    Error::new(
        ErrorKind::Timeout,
        format!(
            "run a future from sync code: it was not done within {limit:?} and blocks its thread, so it was left \
             behind; it is dropped as soon as it waits for something"
        ),
    )
}

/// A runtime that drives itself, for work apart from the calling thread.
struct Apart {
    runtime: Handle,
    _subloop: Option<Arc<Subloop>>,
}

impl Apart {
    fn find() -> Result<Self> {
        let given = given::innermost().map(|given| given.handle);
        let running = given.or_else(|| Handle::try_current().ok());
        match running {
            Some(runtime) if runtime.runtime_flavor() == RuntimeFlavor::MultiThread => Ok(Self {
                runtime,
                _subloop: None,
            }),
            None if !environment::is_entered() => Err(environment::absent()),
            _ => {
                let subloop = subloop::get()?;
                Ok(Self {
                    runtime: subloop.handle.clone(),
                    _subloop: Some(subloop),
                })
            }
        }
    }
}

/// Waits for a future where it can be driven from here.
fn wait<T: Send>(bounds: Bounds, future: impl Future<Output = Result<T>> + Send) -> Result<T> {
    if let Some(given) = given::innermost() {
        return given.wait(bounds, future);
    }
    match Place::here() {
        Place::Outside => environment::wait(bounds, future),
        Place::Worker(runtime) => off_worker(|| {
            let _entered = runtime.enter();
            drive::here(&runtime, bounds, future)
        }),
        Place::Beside(runtime) if runtime.runtime_flavor() == RuntimeFlavor::MultiThread => {
            drive::here(&runtime, bounds, future)
        }
        Place::Beside(_) => on_subloop(bounds, future),
        Place::Driver => on_a_thread(|| on_subloop(bounds, future)),
    }
}

fn on_subloop<T>(bounds: Bounds, future: impl Future<Output = Result<T>>) -> Result<T> {
    let subloop = subloop::get()?;
    let _entered = subloop.handle.enter();
    drive::here(&subloop.handle, bounds, future)
}

/// Blocks a worker of a multi-thread runtime, whose other work goes on elsewhere meanwhile.
fn off_worker<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let mut work = Some(work);
    let blocked = catch_unwind(AssertUnwindSafe(|| {
        block_in_place(|| work.take().map(|work| work()))
    }));
    match (blocked, work) {
        (Ok(Some(outcome)), _) => outcome,
        // A `LocalSet` inside of a task refuses, so another thread does it.
        (Err(_), Some(work)) => on_a_thread(work),
        (Err(panic), None) => resume_unwind(panic),
        (Ok(None), _) => Err(Error::configuration(
            "run a future from sync code: it was run before",
        )),
    }
}

impl Registry {
    /// Runs sync code with the databases connected, in which [`run_sync`] can be called.
    ///
    /// A thread without a runtime gets one of its own, with connections of its own. When the outermost call on the
    /// thread ends while a lifespan elsewhere keeps the databases connected, the thread keeps both for its next call.
    /// Calls may be nested; each thread of a program makes its own.
    ///
    /// # Errors
    ///
    /// The work's own; `Connection` when a database can't be reached, and those of
    /// [`Lifespan::close`](crate::Lifespan::close).
    pub fn with_async_env<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let environment = self.enter_sync()?;
        let outcome = work();
        let closed = environment.close();
        let value = outcome?;
        closed.map(|()| value)
    }

    /// As [`with_async_env`](Self::with_async_env), on a runtime of the program's own: `&Runtime`, or its `Handle`.
    ///
    /// A runtime on one thread that nobody drives is driven by this thread while it waits, and is left open. Threads
    /// that share a multi-thread runtime share its connections.
    ///
    /// ```
    /// use estoult::{Registry, run_sync, sql};
    ///
    /// let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    /// let registry = Registry::builder("sqlite::memory:").build()?;
    /// registry.with_async_env_on(&runtime, || run_sync(sql("select 1").execute(&registry)))?;
    /// # Ok::<(), estoult::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Configuration` when the runtime has ended, or does not run a task within the time that
    /// [`EnvironmentRuntime::answers_within`] says; else as for [`with_async_env`](Self::with_async_env).
    pub fn with_async_env_on<'r, T>(
        &self,
        runtime: impl Into<EnvironmentRuntime<'r>>,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        runtime.into().surround(|| self.with_async_env(work))
    }

    /// Connects the databases for sync code, as [`with_async_env`](Self::with_async_env) does, until the guard ends.
    ///
    /// ```
    /// use estoult::{Registry, run_sync, sql};
    ///
    /// let registry = Registry::builder("sqlite::memory:").build()?;
    /// let environment = registry.enter_sync()?;
    /// run_sync(sql("select 1").execute(&registry))?;
    /// environment.close()?;
    /// assert!(!registry.default_database().is_connected());
    /// # Ok::<(), estoult::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Connection` when a database can't be reached.
    pub fn enter_sync(&self) -> Result<SyncEnvironment> {
        let entered = Entered::new();
        let lifespan = wait(Bounds::default(), self.connect())?;
        Ok(SyncEnvironment::new(entered, lifespan))
    }
}
