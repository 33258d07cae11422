//! Where a sync caller's future is driven: on the calling thread wherever that blocks no scheduler.
//!
//! Invariant: each kind of thread has one way here; how a way waits is the business of `block_on`.

use tokio::runtime::RuntimeFlavor;

use super::{
    block_on::{self, Bounds},
    environment, external,
    new_thread::on_new_thread,
    thread_kind::ThreadKind,
    worker::off_worker,
};
use crate::{error::Result, runtime::Subloop};

/// Waits for a future where it can be driven from here.
pub(super) fn wait<T: Send>(
    bounds: Bounds,
    future: impl Future<Output = Result<T>> + Send,
) -> Result<T> {
    // A runtime that the program gave goes before those that happen to run here.
    if let Some(external) = external::innermost() {
        return external.wait(bounds, future);
    }
    match ThreadKind::current() {
        ThreadKind::NoRuntime => environment::wait(bounds, future),
        ThreadKind::Worker(runtime) => off_worker(|| {
            let _entered = runtime.enter();
            block_on::drive_future(&runtime, bounds, future)
        }),
        ThreadKind::OffScheduler(runtime)
            if runtime.runtime_flavor() == RuntimeFlavor::MultiThread =>
        {
            block_on::drive_future(&runtime, bounds, future)
        }
        // The runtime runs on one thread, which may itself wait for this one, so the subloop drives the sockets.
        ThreadKind::OffScheduler(_) => on_subloop(bounds, future),
        // The scheduler keeps wakes for its own tasks until this thread returns, so another thread polls the future.
        ThreadKind::CurrentThread => on_new_thread(|| on_subloop(bounds, future)),
    }
}

fn on_subloop<T>(bounds: Bounds, future: impl Future<Output = Result<T>>) -> Result<T> {
    let subloop = Subloop::get()?;
    let _entered = subloop.handle.enter();
    block_on::drive_future(&subloop.handle, bounds, future)
}
