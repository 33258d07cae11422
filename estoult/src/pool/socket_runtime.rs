//! [`SocketRuntime`]: the runtime that a session was opened on, for backends whose sockets can't move to another one.
//!
//! A session is opened on the caller's runtime when that has threads of its own, which drive the socket for all callers
//! on it. Otherwise it is opened on the subloop: a current-thread runtime drives nothing while it is blocked.

use std::{
    collections::HashMap,
    future::poll_fn,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::runtime::{Handle, Id};

use crate::{
    backend::{Backend, Credentials, Session},
    error::Result,
    runtime::{self, Subloop},
};

/// The runtime of a session's socket.
pub(super) struct SocketRuntime {
    handle: Handle,
    has_ended: AtomicBool,
    /// Kept for as long as the session is open; `None` for a runtime of the program.
    subloop: Option<Arc<Subloop>>,
}

impl SocketRuntime {
    fn new(handle: Handle, subloop: Option<Arc<Subloop>>) -> Arc<Self> {
        Arc::new(Self {
            handle,
            has_ended: AtomicBool::new(false),
            subloop,
        })
    }

    /// Whether it drives the socket for as long as a caller on the present thread needs it: it is the caller's own, or
    /// the subloop. Any other may end in the middle of the caller's statement.
    pub(super) fn serves_here(&self) -> bool {
        let is_own = |current: Handle| current.id() == self.handle.id();
        self.subloop.is_some() || runtime::with_own_threads().is_some_and(is_own)
    }

    /// The runtime that has to drive the socket while a caller elsewhere waits; `None` for the caller's own, and for
    /// the subloop, which runs nothing that could block it.
    pub(super) fn other_driver(&self) -> Option<Handle> {
        let is_own = |current: Handle| current.id() == self.handle.id();
        let is_other = self.subloop.is_none() && !Handle::try_current().is_ok_and(is_own);
        is_other.then(|| self.handle.clone())
    }

    pub(super) fn has_ended(&self) -> bool {
        // Relaxed: a session that is handed out a moment too late fails as one whose server has gone.
        self.has_ended.load(Ordering::Relaxed)
    }

    /// Opens a session whose socket belongs to this runtime.
    pub(super) async fn connect(
        &self,
        backend: &dyn Backend,
        credentials: Option<&Credentials>,
    ) -> Result<Box<dyn Session>> {
        let mut connecting = backend.connect(credentials);
        poll_fn(|context| {
            let _entered = self.handle.enter();
            connecting.as_mut().poll(context)
        })
        .await
    }
}

/// The runtimes with threads of their own that sessions of a pool were opened on.
#[derive(Default)]
pub(super) struct SocketRuntimes(Mutex<HashMap<Id, Arc<SocketRuntime>>>);

impl SocketRuntimes {
    /// The runtime for a session that is opened here. `on_end` makes what is called when a new one ends.
    pub(super) fn here<F: FnOnce() + Send + 'static>(
        &self,
        on_end: impl FnOnce(Id) -> F,
    ) -> Result<Arc<SocketRuntime>> {
        let Some(current) = runtime::with_own_threads() else {
            let subloop = Subloop::get()?;
            return Ok(SocketRuntime::new(subloop.handle.clone(), Some(subloop)));
        };
        let id = current.id();
        let mut runtimes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = runtimes.get(&id) {
            return Ok(Arc::clone(runtime));
        }
        let runtime = SocketRuntime::new(current.clone(), None);
        runtimes.insert(id, Arc::clone(&runtime));
        // A runtime that has ended drops the guard at once, and the guard takes this lock.
        drop(runtimes);
        runtime::drop_at_end(&current, CallOnDrop(Some(on_end(id))));
        Ok(runtime)
    }

    /// Marks a runtime that has ended.
    pub(super) fn end(&self, id: Id) {
        let mut runtimes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = runtimes.remove(&id) {
            runtime.has_ended.store(true, Ordering::Relaxed);
        }
    }
}

struct CallOnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for CallOnDrop<F> {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            call();
        }
    }
}
