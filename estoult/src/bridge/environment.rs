//! The async environment of a thread: a current-thread runtime that the thread drives while it waits, and the guards
//! that keep it.
//!
//! Invariant: nothing here crosses threads; the runtime of a thread is never entered by another one.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    marker::PhantomData,
    rc::Rc,
    time::Duration,
};

use tokio::runtime::{Builder, Runtime};

use super::block_on::{self, Bounds};
use crate::{
    error::{Error, Result},
    runtime,
};

thread_local! {
    /// The environments, each by its number and with the limit of its registry.
    static ENTERED: RefCell<Vec<(u64, Duration)>> = const { RefCell::new(Vec::new()) };
    static LAST_NUMBER: Cell<u64> = const { Cell::new(0) };
    static THREAD_RUNTIME: RefCell<Option<Rc<ThreadRuntime>>> = const { RefCell::new(None) };
}

/// A thread's own runtime.
struct ThreadRuntime(Option<Runtime>);

impl Drop for ThreadRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime::forget_timer(runtime.handle());
            // Dropping must not block, and async code may drop it.
            runtime.shutdown_background();
        }
    }
}

/// One of the environments that a thread is inside of. They may end in any order, so they are counted.
pub(super) struct Entered {
    number: u64,
    _of_thread: PhantomData<Rc<()>>,
}

impl Entered {
    pub(super) fn new(sync_limit: Duration) -> Self {
        let number = LAST_NUMBER.get() + 1;
        LAST_NUMBER.set(number);
        // On a thread that is ending there is no list any more, and waiting fails because of that.
        let _ = ENTERED.try_with(|all| all.borrow_mut().push((number, sync_limit)));
        Self {
            number,
            _of_thread: PhantomData,
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // A destructor of the ending thread may come after the list, which is gone with the thread's runtime then.
        let is_last = ENTERED.try_with(|all| {
            let mut all = all.borrow_mut();
            all.retain(|(number, _)| *number != self.number);
            all.is_empty()
        });
        if is_last.unwrap_or(true) {
            leave();
        }
    }
}

/// Keeps the runtime for the thread's next environment while a lifespan elsewhere keeps connections open, unless the
/// program left a task on it: a task must not outlive its environment.
fn leave() {
    let is_kept = runtime::is_any_lifespan_open();
    let ended = THREAD_RUNTIME.try_with(|runtime| {
        runtime
            .borrow_mut()
            .take_if(|own| !is_kept || own.has_tasks())
    });
    // Dropped after the borrow has ended: tasks that end with the runtime may use this thread's environment.
    drop(ended);
}

impl ThreadRuntime {
    fn has_tasks(&self) -> bool {
        let alive = |runtime: &Runtime| runtime.metrics().num_alive_tasks() > 0;
        self.0.as_ref().is_some_and(alive)
    }
}

fn thread_runtime() -> Result<Rc<ThreadRuntime>> {
    THREAD_RUNTIME
        .try_with(|runtime| {
            let mut runtime = runtime.borrow_mut();
            if let Some(own) = &*runtime {
                return Ok(Rc::clone(own));
            }
            let built = Builder::new_current_thread().enable_all().build();
            let built = built.map_err(|error| {
                Error::configuration(format!("make an async environment: {error}"))
            })?;
            runtime::keep_timer(built.handle());
            Ok(Rc::clone(
                runtime.insert(Rc::new(ThreadRuntime(Some(built)))),
            ))
        })
        .unwrap_or_else(|_| {
            Err(Error::configuration(
                "run a future from sync code: this thread is ending, and its environment has ended",
            ))
        })
}

/// Drives a future on the thread's environment.
pub(super) fn wait<T>(bounds: Bounds, future: impl Future<Output = Result<T>>) -> Result<T> {
    if !is_entered() {
        return Err(absent());
    }
    // A reference of its own: the future may end the last environment, and the runtime must live until it is done.
    let own = thread_runtime()?;
    match &own.0 {
        Some(runtime) => block_on::drive_runtime(runtime, bounds, future),
        None => Err(absent()),
    }
}

/// Whether the thread is inside of an environment.
pub(super) fn is_entered() -> bool {
    ENTERED
        .try_with(|all| !all.borrow().is_empty())
        .unwrap_or(false)
}

/// The limit that the registry of the innermost environment sets to waits for others.
pub(super) fn sync_limit() -> Option<Duration> {
    let innermost = ENTERED.try_with(|all| all.borrow().last().map(|(_, limit)| *limit));
    innermost.ok().flatten()
}

pub(super) fn absent() -> Error {
    Error::configuration(
        "run a future from sync code: there is no async environment on this thread; wrap the code that the thread runs \
         in `registry.with_async_env(|| …)`",
    )
}
