//! [`Subloop`]: the background runtime of the process, for work whose own runtime can't do it: sockets that have to
//! outlive a current-thread runtime, sync callers whose runtime is blocked, connections that recover.
//!
//! The first caller that needs it makes it; it ends with the last lifespan and the last use. One thread is enough: it
//! drives sockets and timers, while callers poll their futures on threads of their own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{Error, Result};

static OPEN: Mutex<Open> = Mutex::new(Open {
    lifespans: 0,
    kept: None,
    current: Weak::new(),
});

/// The open lifespans of the process, and the subloop that they keep.
struct Open {
    lifespans: usize,
    /// Keeps the subloop while a lifespan is open.
    kept: Option<Arc<Subloop>>,
    /// The subloop, as long as a lifespan or one of its users keeps it.
    current: Weak<Subloop>,
}

/// A runtime with one thread of its own.
pub(crate) struct Subloop {
    pub(crate) handle: Handle,
    runtime: Option<Runtime>,
}

impl Subloop {
    /// The subloop, which is made when there is none.
    pub(crate) fn get() -> Result<Arc<Self>> {
        let mut open = open();
        if let Some(current) = open.current.upgrade() {
            return Ok(current);
        }
        // Made under the lock, so that two callers don't make two; making it starts a thread, but waits for nothing.
        let made = Arc::new(Self::new()?);
        open.current = Arc::downgrade(&made);
        if open.lifespans > 0 {
            open.kept = Some(Arc::clone(&made));
        }
        Ok(made)
    }

    /// The subloop, if there is one.
    pub(crate) fn running() -> Option<Arc<Self>> {
        open().current.upgrade()
    }

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

impl Drop for Subloop {
    fn drop(&mut self) {
        // Async code may drop it, and must not block.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn open() -> MutexGuard<'static, Open> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One open lifespan; any keeps the subloop.
#[derive(Debug)]
pub(crate) struct OpenLifespan(());

impl OpenLifespan {
    pub(crate) fn new() -> Self {
        let mut open = open();
        open.lifespans += 1;
        // A caller may use the subloop from before the first lifespan on; from now on the lifespan keeps it, too.
        if open.kept.is_none() {
            open.kept = open.current.upgrade();
        }
        Self(())
    }
}

impl Drop for OpenLifespan {
    fn drop(&mut self) {
        let mut open = open();
        open.lifespans -= 1;
        let ended = if open.lifespans == 0 {
            open.kept.take()
        } else {
            None
        };
        drop(open);
        // Dropped after the lock is free: it may end the runtime, and with it tasks that own lifespans.
        drop(ended);
    }
}

/// Whether any lifespan is open.
pub(crate) fn is_any_lifespan_open() -> bool {
    open().lifespans > 0
}
