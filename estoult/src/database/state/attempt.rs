//! [`Attempt`]: one attempt to connect a database, shared by all callers that wait for it, wherever they run.
//!
//! A task on the runtime of the first caller drives it, so that it continues when that caller gives up. The task
//! records heartbeats; when they stop, because its runtime is blocked or has ended, a caller on another one takes over.

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Handle, Id},
    task::AbortHandle,
};

use super::{machine::AttemptId, shared_future::SharedFuture};
use crate::{
    error::Result,
    runtime::{BoxFuture, end_after},
};

/// One attempt to connect a database.
pub(in crate::database) struct Attempt {
    id: AttemptId,
    deadline: Instant,
    outcome: OnceLock<Result<()>>,
    task: Mutex<Option<Arc<Task>>>,
}

impl Attempt {
    pub(in crate::database) fn new(id: AttemptId, limit: Duration) -> Self {
        Self {
            id,
            deadline: end_after(limit),
            outcome: OnceLock::new(),
            task: Mutex::new(None),
        }
    }

    pub(in crate::database) fn id(&self) -> AttemptId {
        self.id
    }

    /// The deadline of the attempt.
    pub(in crate::database) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(in crate::database) fn outcome(&self) -> Option<&Result<()>> {
        self.outcome.get()
    }

    /// Keeps the outcome for the callers that wait.
    pub(in crate::database) fn conclude(&self, outcome: Result<()>) {
        // Each attempt is settled once, under the lock of its database.
        let _ = self.outcome.set(outcome);
    }

    /// Ends the task that drives it.
    pub(in crate::database) fn stop(&self) {
        // Taken first, and stopped without the lock: stopping drops a future, which may call back into this attempt.
        let task = self.task().take();
        if let Some(task) = task {
            task.stop();
        }
    }

    fn task(&self) -> MutexGuard<'_, Option<Arc<Task>>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The runtime that drives it, as seen from this one. A task without heartbeats is stopped, so that none drives it.
    pub(in crate::database) fn driven_by(&self, runtime: &Handle) -> DrivenBy {
        let known = self.task().clone();
        match known {
            None => DrivenBy::None,
            // A caller that runs shows that its own runtime does, so there is no heartbeat to check.
            Some(task) if task.runtime == runtime.id() => DrivenBy::This,
            Some(task) if task.future.stop_if_stalled() => {
                // The work is gone. Another caller may have done this at the same time, which changes nothing.
                task.stop();
                self.forget(&task);
                DrivenBy::None
            }
            Some(_) => DrivenBy::Other,
        }
    }

    /// A task of this runtime for the work, unless another caller was faster.
    pub(in crate::database) fn new_task(
        &self,
        runtime: &Handle,
        work: impl FnOnce() -> BoxFuture<'static, Result<()>>,
    ) -> Option<Arc<Task>> {
        let mut task = self.task();
        // Of several callers that find no task, the first one makes it; the others wait for it.
        if task.is_some() {
            return None;
        }
        let own = Arc::new(Task {
            runtime: runtime.id(),
            future: SharedFuture::new(work()),
            handle: OnceLock::new(),
        });
        *task = Some(Arc::clone(&own));
        Some(own)
    }

    /// Lets another task drive it, unless one does already.
    pub(in crate::database) fn forget(&self, task: &Arc<Task>) {
        let mut known = self.task();
        if known.as_ref().is_some_and(|known| Arc::ptr_eq(known, task)) {
            *known = None;
        }
    }
}

/// The runtime that drives an attempt, as seen from one runtime.
pub(in crate::database) enum DrivenBy {
    This,
    Other,
    None,
}

/// The task of a runtime that drives an attempt. The future is kept beside it, since a task of a blocked runtime can't
/// be ended from outside.
pub(in crate::database) struct Task {
    runtime: Id,
    pub(in crate::database) future: SharedFuture,
    handle: OnceLock<AbortHandle>,
}

impl Task {
    pub(in crate::database) fn set_handle(&self, handle: AbortHandle) {
        // Each task is spawned once.
        let _ = self.handle.set(handle);
    }

    fn stop(&self) {
        // While it is being polled it can't be stopped here; its runtime runs then, and carries out the abort.
        self.future.stop();
        if let Some(handle) = self.handle.get() {
            handle.abort();
        }
    }
}
