//! The subloop: where a future runs while the current-thread runtime of its caller is blocked by waiting for it.

use std::{future::Future, panic::resume_unwind, thread};

use once_cell::sync::OnceCell;
use tokio::runtime::{Builder, Handle, Runtime};

use super::Blocking;
use crate::error::{Error, Result};

static SUBLOOP: OnceCell<Runtime> = OnceCell::new();

fn subloop() -> Result<&'static Runtime> {
    SUBLOOP.get_or_try_init(|| {
        Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("estoult-subloop")
            .enable_all()
            .build()
            .map_err(|error| Error::configuration(format!("make a subloop: {error}")))
    })
}

/// Drives a future on the subloop while this thread waits. A panic of the future goes on in the caller.
pub(super) fn run<T: Send>(future: impl Future<Output = Result<T>> + Send) -> Result<T> {
    run_on(subloop()?.handle(), future)
}

/// Drives a future on a multi-thread runtime from a thread of its own, while this one waits.
pub(super) fn run_on<T: Send>(
    runtime: &Handle,
    future: impl Future<Output = Result<T>> + Send,
) -> Result<T> {
    thread::scope(|scope| {
        let driver = scope.spawn(|| {
            let _blocking = Blocking::begin();
            runtime.block_on(future)
        });
        driver.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}
