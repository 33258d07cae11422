//! The sync bridge: [`run_sync`] waits for a future from code that is not async, inside of
//! [`with_async_env`](Registry::with_async_env) or of a running runtime.
//!
//! A caller may be on any kind of thread; `ThreadKind` says which, and `dispatch` where its future is driven.
//!
//! Invariant: no runtime is made behind the caller's back; without an environment there is an error.

mod block_on;
mod dispatch;
mod environment;
mod external;
mod guard;
mod liveness;
mod new_thread;
mod sync_limit;
mod thread_kind;
mod worker;

use std::{
    panic::{Location, resume_unwind},
    sync::Arc,
    time::Duration,
};

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::JoinError,
};

use self::{
    block_on::Bounds, dispatch::wait, environment::Entered, liveness::LivenessProbe,
    sync_limit::SyncLimit, thread_kind::ThreadKind, worker::off_worker,
};
pub use self::{external::EnvironmentRuntime, guard::SyncEnvironment};
use crate::{
    context::Context,
    error::{Error, ErrorKind, Result},
    registry::{self, Registry},
    runtime::{Subloop, Wait},
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
/// The future's own; `Configuration` when there is neither an environment nor a runtime; `Timeout` when it waits longer
/// for something other than a database than [`sync_limit`](crate::registry::RegistryBuilder::sync_limit) allows.
#[track_caller]
pub fn run_sync<T: Send>(future: impl Future<Output = Result<T>> + Send) -> Result<T> {
    let limit = SyncLimit {
        limit: sync_limit(),
        caller: Location::caller(),
    };
    wait(Bounds::foreign(limit), future)
}

/// The limit of the innermost environment, else of the `run_sync` around, else of the registry of the process.
fn sync_limit() -> Duration {
    environment::sync_limit()
        .or_else(Wait::sync_limit)
        .or_else(|| registry::registry().ok().as_ref().map(Registry::sync_limit))
        .unwrap_or(registry::SYNC_LIMIT)
}

/// As [`run_sync`], but with a limit, after which the future is dropped: uncommitted work is rolled back, and its
/// connection is released or closed.
///
/// The limit is checked whenever the future waits. A future that blocks its thread instead blocks the caller's own
/// thread, and can't be stopped: [`run_sync_apart`] returns to the caller even then.
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
/// it for longer than the limit and a quarter of a second. So the future can't borrow.
///
/// It costs a change of threads, and uses connections of the runtime that runs here, or of the subloop.
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
    // Two limits: the inner one drops the future when it waits; the outer one, a little later, ends the caller's wait
    // for a future that blocks its thread.
    let detached = DetachedRuntime::current()?;
    let (runtime, bounds) = (detached.runtime.clone(), Bounds::of(limit));
    // The context is a value of this thread, so the other thread gets it with the future.
    let work = Context::current().scope(bounds.timed(future));
    let task = detached
        .runtime
        .spawn_blocking(move || runtime.block_on(work));
    let outer_bounds = Bounds::of(limit.saturating_add(GRACE));
    let join = || block_on::drive_future(&detached.runtime, outer_bounds, async { Ok(task.await) });
    let joined = match ThreadKind::current() {
        ThreadKind::Worker(_) => off_worker(join),
        ThreadKind::NoRuntime | ThreadKind::OffScheduler(_) | ThreadKind::CurrentThread => join(),
    };
    match joined {
        Ok(outcome) => outcome.unwrap_or_else(|error| Err(join_error(error))),
        Err(_) => Err(left_behind(limit)),
    }
}

/// Resumes the panic of the task in the caller; the task is aborted only when its runtime ends.
fn join_error(error: JoinError) -> Error {
    match error.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(_) => LivenessProbe::ended(),
    }
}

fn left_behind(limit: Duration) -> Error {
    Error::new(
        ErrorKind::Timeout,
        format!(
            "run a future from sync code: it was not done within {limit:?} and blocks its thread, so it was left \
             behind; it is dropped as soon as it waits for something"
        ),
    )
}

/// A runtime with threads of its own, for work apart from the calling thread.
struct DetachedRuntime {
    runtime: Handle,
    /// Keeps the subloop running until the work has ended.
    _subloop: Option<Arc<Subloop>>,
}

impl DetachedRuntime {
    fn current() -> Result<Self> {
        let external = external::innermost().map(|external| external.handle);
        let running = external.or_else(|| Handle::try_current().ok());
        match running {
            Some(runtime) if runtime.runtime_flavor() == RuntimeFlavor::MultiThread => Ok(Self {
                runtime,
                _subloop: None,
            }),
            // A current-thread runtime runs nothing while this thread waits, so the work goes to the subloop.
            None if !environment::is_entered() => Err(environment::absent()),
            _ => {
                let subloop = Subloop::get()?;
                Ok(Self {
                    runtime: subloop.handle.clone(),
                    _subloop: Some(subloop),
                })
            }
        }
    }
}

impl Registry {
    /// Runs sync code with the databases connected, in which [`run_sync`] can be called.
    ///
    /// A thread without a runtime gets one of its own, with connections of its own. When the outermost call on the
    /// thread ends while a lifespan elsewhere keeps the databases connected, the thread keeps both for its next call.
    /// Calls may be nested; each thread of a program makes its own calls.
    ///
    /// # Errors
    ///
    /// The work's own; `Connection` when a database can't be reached, and those of
    /// [`Lifespan::close`](crate::Lifespan::close).
    pub fn with_async_env<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let environment = self.enter_sync()?;
        let outcome = work();
        let closed = environment.close();
        // The work's error goes first: a failure of closing is mostly its consequence.
        let value = outcome?;
        closed.map(|()| value)
    }

    /// As [`with_async_env`](Self::with_async_env), on a runtime of the program's own: `&Runtime`, or its `Handle`.
    ///
    /// A current-thread runtime that no thread drives is driven by this thread while it waits, and is left open.
    /// Threads that share a multi-thread runtime share its connections.
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
        runtime.into().run_inside(|| self.with_async_env(work))
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
        // Entered first: connecting runs on the environment, and a failure leaves it again.
        let entered = Entered::new(self.sync_limit());
        let lifespan = wait(Bounds::default(), self.connect())?;
        Ok(SyncEnvironment::new(entered, lifespan))
    }
}
