//! The async environment of a thread: a current-thread runtime that the thread drives while it waits, and the guards
//! that keep it.
//!
//! Invariant: nothing here crosses threads; the runtime of a thread is never entered by another one.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    marker::PhantomData,
    rc::Rc,
};

use tokio::runtime::{Builder, Runtime};

use super::block_on::{self, Bounds};
use crate::{
    error::{Error, Result},
    runtime,
};

thread_local! {
    static ENTERED: Cell<usize> = const { Cell::new(0) };
    static THREAD_RUNTIME: RefCell<Option<Rc<ThreadRuntime>>> = const { RefCell::new(None) };
}

/// A thread's own runtime.
struct ThreadRuntime(Option<Runtime>);

impl Drop for ThreadRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Dropping must not block, and async code may drop it.
            runtime.shutdown_background();
        }
    }
}

/// One of the environments that a thread is inside of. They may end in any order, so they are counted.
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
    if ENTERED.get() == 0 {
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
    ENTERED.get() > 0
}

pub(super) fn absent() -> Error {
    Error::configuration(
        "run a future from sync code: there is no async environment here; \
         wrap the code in `registry.with_async_env(|| …)`",
    )
}
