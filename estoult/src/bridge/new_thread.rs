//! Work on a thread of its own, for callers on a thread that must not wait for a future.

use std::{panic::resume_unwind, thread};

use crate::{
    context::Context,
    error::{Error, Result},
};

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
