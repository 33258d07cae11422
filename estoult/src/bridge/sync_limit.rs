//! [`SyncLimit`]: how long `run_sync` waits for something that is not estoult's, and of which no one says when it ends.

use std::{
    panic::Location,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, ErrorKind},
    runtime::Polled,
};

/// The limit, and the call that it is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct SyncLimit {
    pub(super) limit: Duration,
    pub(super) caller: &'static Location<'static>,
}

impl SyncLimit {
    fn expired(self) -> Error {
        let Self { limit, caller } = self;
        Error::new(
            ErrorKind::Timeout,
            format!(
                "run a future from sync code at {caller}: it waited {limit:?} for something other than a database, so \
                 it was dropped, and what it had not committed is rolled back; find out what it waits for, use \
                 `run_sync_within`, or give all calls more time with `RegistryBuilder::sync_limit`"
            ),
        )
    }
}

/// How long a future has waited for what is not estoult's, since it last used a database.
pub(super) struct ForeignWait {
    limit: Option<SyncLimit>,
    waited: Duration,
    since: Option<Instant>,
}

impl ForeignWait {
    pub(super) fn new(limit: Option<SyncLimit>) -> Self {
        Self {
            limit,
            waited: Duration::ZERO,
            since: None,
        }
    }

    /// Notes that a poll left the future pending, and what it came past. The time of polls is not counted.
    pub(super) fn pause(&mut self, polled: Polled) {
        if self.limit.is_none() {
            return;
        }
        if polled != Polled::NothingOwn {
            self.waited = Duration::ZERO;
        }
        self.since = (polled != Polled::OwnPending).then(Instant::now);
    }

    /// Notes that the future is about to be polled.
    pub(super) fn resume(&mut self) {
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
        }
    }

    /// How long the wait may still last; `None` for one that is not limited here.
    pub(super) fn remaining(&self) -> Result<Option<Duration>, Error> {
        let (Some(limit), Some(since)) = (self.limit, self.since) else {
            return Ok(None);
        };
        let left = limit.limit.saturating_sub(self.waited + since.elapsed());
        if left.is_zero() {
            return Err(limit.expired());
        }
        Ok(Some(left))
    }
}
