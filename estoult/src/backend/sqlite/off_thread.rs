//! Work that may block, away from async threads.

use tokio::runtime::Handle;

use crate::{
    error::{Error, ErrorKind, Result},
    runtime,
};

/// Runs work on a thread that may block: one of the runtime, or the present one where there is no runtime.
pub(super) async fn off_thread<T, F>(work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    if runtime::may_block() {
        return work();
    }
    let Ok(handle) = Handle::try_current() else {
        return work();
    };
    handle.spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Error::new(
            ErrorKind::Connection,
            format!("run work for SQLite: {error}"),
        ))
    })
}
