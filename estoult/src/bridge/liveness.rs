//! [`LivenessProbe`]: whether a runtime still runs tasks.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    time::Duration,
};

use tokio::runtime::Handle;

use crate::error::{Error, Result};

/// A probe of a runtime, which answers by running a task, and hangs up by dropping it.
pub(super) struct LivenessProbe(Receiver<()>);

impl LivenessProbe {
    pub(super) fn of(runtime: &Handle) -> Self {
        let (answer, answers) = sync_channel(1);
        // The channel has room for the answer, so the task never waits for a caller that has gone.
        runtime.spawn(async move { answer.send(()) });
        Self(answers)
    }

    /// Whether the runtime has ended: it drops tasks instead of running them.
    pub(super) fn has_ended(&self) -> bool {
        self.0.recv_timeout(Duration::ZERO) == Err(RecvTimeoutError::Disconnected)
    }

    /// Waits for the answer for what is left of its time; `limit` is the whole time, for the message.
    pub(super) fn wait(&self, left: Duration, limit: Duration) -> Result<()> {
        match self.0.recv_timeout(left) {
            Ok(()) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => Err(Self::ended()),
            Err(RecvTimeoutError::Timeout) => Err(Error::configuration(format!(
                "use a runtime of tokio from sync code: it ran no task within {limit:?}, so no thread drives it, or it \
                 is blocked; hand over `&Runtime` instead of its handle, or keep a thread in `Runtime::block_on`"
            ))),
        }
    }

    pub(super) fn ended() -> Error {
        Error::configuration(
            "use a runtime of tokio from sync code: it has ended; hand over one that lives as long as the work",
        )
    }
}
