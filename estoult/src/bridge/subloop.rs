//! The subloop: the runtime for callers whose own one can't be used, since it stands still while they wait.
//!
//! It is made when it is needed first, by one of those who need it, and ends with the last lifespan and the last use.

use std::{
    panic::resume_unwind,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread,
};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::{
    context::Context,
    error::{Error, Result},
};

static SUBLOOP: Mutex<State> = Mutex::new(State {
    owners: 0,
    kept: None,
    current: Weak::new(),
});

struct State {
    owners: usize,
    /// Keeps it while there are owners.
    kept: Option<Arc<Subloop>>,
    current: Weak<Subloop>,
}

fn state() -> MutexGuard<'static, State> {
    SUBLOOP.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A runtime with one thread of its own.
pub(super) struct Subloop {
    pub(super) handle: Handle,
    runtime: Option<Runtime>,
}

impl Drop for Subloop {
    fn drop(&mut self) {
        // Whoever drops it may be async code, which must not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The subloop goes on as long as there are owners: every lifespan is one.
#[derive(Debug)]
pub(crate) struct Owner(());

impl Owner {
    pub(crate) fn new() -> Self {
        let mut state = state();
        state.owners += 1;
        // It may be in use already, by whoever makes the first lifespan.
        if state.kept.is_none() {
            state.kept = state.current.upgrade();
        }
        Self(())
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let mut state = state();
        state.owners -= 1;
        let ended = if state.owners == 0 {
            state.kept.take()
        } else {
            None
        };
        drop(state);
        drop(ended);
    }
}

/// Whether any lifespan goes on.
pub(super) fn has_owners() -> bool {
    state().owners > 0
}

/// The subloop, which is made when there is none.
pub(super) fn get() -> Result<Arc<Subloop>> {
    let mut state = state();
    if let Some(subloop) = state.current.upgrade() {
        return Ok(subloop);
    }
    let built = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("estoult-subloop")
        .enable_all()
        .build();
    let runtime =
        built.map_err(|error| Error::configuration(format!("make a subloop: {error}")))?;
    let subloop = Arc::new(Subloop {
        handle: runtime.handle().clone(),
        runtime: Some(runtime),
    });
    state.current = Arc::downgrade(&subloop);
    if state.owners > 0 {
        state.kept = Some(Arc::clone(&subloop));
    }
    Ok(subloop)
}

/// Waits for work that a thread of its own does, in the context of this one. Its panic goes on here.
pub(super) fn on_a_thread<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let context = Context::current();
    thread::scope(|scope| {
        let builder = thread::Builder::new().name("estoult-waiting".to_owned());
        match builder.spawn_scoped(scope, || context.run(work)) {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(error) => Err(Error::configuration(format!(
                "run a future from sync code: no thread can be started for it: {error}"
            ))),
        }
    })
}
