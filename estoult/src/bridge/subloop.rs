//! [`Subloop`]: a background runtime for callers whose own runtime is blocked while they wait.
//!
//! The first caller that needs it makes it; it ends with the last lifespan and the last use. One thread is enough: it
//! drives sockets and timers, while callers poll their futures on threads of their own.

use std::{panic::resume_unwind, sync::Arc, thread};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::{
    context::Context,
    database::lifespan::open,
    error::{Error, Result},
};

/// A runtime with one thread of its own.
pub(super) struct Subloop {
    pub(super) handle: Handle,
    runtime: Option<Runtime>,
}

impl Drop for Subloop {
    fn drop(&mut self) {
        // Async code may drop it, and must not block.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The subloop, which is made when there is none. It lives as long as any lifespan is open, or a caller uses it.
pub(super) fn get() -> Result<Arc<Subloop>> {
    // Lifespans keep it: connections belong to the runtime they were opened on, and must outlive a single call.
    let shared = open::shared(|| Ok(Arc::new(Subloop::new()?)))?;
    shared.downcast().map_err(|_| {
        Error::internal("run a future from sync code: the lifespans share another value")
    })
}

impl Subloop {
    fn new() -> Result<Self> {
        let built = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("estoult-subloop")
            .enable_all()
            .build();
        let runtime =
            built.map_err(|error| Error::configuration(format!("make a subloop: {error}")))?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }
}

/// Runs work on a thread of its own, in the context of this one, and waits for it. A panic of the work is resumed here.
pub(super) fn on_new_thread<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let context = Context::current();
    // A scoped thread, since the work may borrow from the caller, which waits for it in any case.
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
