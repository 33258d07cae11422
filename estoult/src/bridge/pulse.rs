//! Whether a runtime lives: a task that it has to run.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    time::Duration,
};

use tokio::runtime::Handle;

use crate::error::{Error, Result};

/// A question to a runtime, which it answers by running a task.
pub(super) struct Pulse(Receiver<()>);

impl Pulse {
    pub(super) fn of(runtime: &Handle) -> Self {
        let (answer, answers) = sync_channel(1);
        runtime.spawn(async move { answer.send(()) });
        Self(answers)
    }

    /// Whether the runtime drops its tasks instead of running them.
    pub(super) fn has_ended(&self) -> bool {
        self.0.recv_timeout(Duration::ZERO) == Err(RecvTimeoutError::Disconnected)
    }

    /// Waits for the answer; `asked` is how long the runtime had for it when that is over.
    pub(super) fn wait(&self, left: Duration, asked: Duration) -> Result<()> {
        match self.0.recv_timeout(left) {
            Ok(()) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => Err(Self::ended()),
            Err(RecvTimeoutError::Timeout) => Err(Error::configuration(format!(
                "use a runtime of tokio from sync code: it ran no task within {asked:?}, so nobody drives it, or it is \
                 blocked; hand over `&Runtime` instead of its handle, or keep a thread in `Runtime::block_on`"
            ))),
        }
    }

    pub(super) fn ended() -> Error {
        Error::configuration(
            "use a runtime of tokio from sync code: it has ended; hand over one that lives as long as the work",
        )
    }
}
