//! Where work goes on whatever the present thread does: a current-thread runtime may not be driven again.

use std::{future::Future, sync::Arc};

use tokio::runtime::{Handle, RuntimeFlavor};

use super::{clock::check_timers, subloop::Subloop};

/// A runtime with threads of its own, and with timers.
pub(crate) struct Background {
    runtime: Handle,
    subloop: Option<Arc<Subloop>>,
}

/// The runtime around the running code, if it has threads of its own.
pub(crate) fn with_own_threads() -> Option<Handle> {
    let current = Handle::try_current().ok()?;
    (current.runtime_flavor() == RuntimeFlavor::MultiThread).then_some(current)
}

/// The present runtime, or else the subloop, which is made when there is none; `None` when it can't be made.
pub(crate) fn background() -> Option<Background> {
    own().or_else(|| Some(Background::of(Subloop::get().ok()?)))
}

/// The same, for work that is worth no new thread.
pub(crate) fn running_background() -> Option<Background> {
    own().or_else(|| Some(Background::of(Subloop::running()?)))
}

fn own() -> Option<Background> {
    let runtime = with_own_threads().filter(|_| check_timers().is_ok())?;
    Some(Background {
        runtime,
        subloop: None,
    })
}

impl Background {
    fn of(subloop: Arc<Subloop>) -> Self {
        Self {
            runtime: subloop.handle.clone(),
            subloop: Some(subloop),
        }
    }

    /// Runs work to its end, or to that of the runtime.
    pub(crate) fn spawn(self, work: impl Future<Output = ()> + Send + 'static) {
        let Self { runtime, subloop } = self;
        runtime.spawn(async move {
            // Dropped with the task, which may be the last to use it.
            let _subloop = subloop;
            work.await;
        });
    }
}
