//! Drives a future on this thread, whose runtime is driven elsewhere: the thread sleeps until the future is woken, its
//! limit is over, or the runtime no longer answers.

use std::{
    any::Any,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Handle, Runtime},
    task::unconstrained,
    time::timeout_at,
};

use super::pulse::Pulse;
use crate::{
    blocking::Wait,
    error::{Error, ErrorKind, Result},
};

/// What bounds a wait.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bounds {
    limit: Option<(Instant, Duration)>,
    /// Within which time the runtime has to answer; without it, it is known to be driven.
    answers_within: Option<Duration>,
}

impl Bounds {
    /// A wait that ends after this time.
    pub(super) fn of(limit: Duration) -> Self {
        Self {
            limit: Instant::now().checked_add(limit).map(|end| (end, limit)),
            answers_within: None,
        }
    }

    /// The same for a runtime that has to answer.
    pub(super) fn answered(self, within: Option<Duration>) -> Self {
        Self {
            answers_within: within,
            ..self
        }
    }

    /// How long the wait may still last.
    fn left(self) -> Result<Option<Duration>> {
        let Some((end, limit)) = self.limit else {
            return Ok(None);
        };
        match end.checked_duration_since(Instant::now()) {
            Some(left) if left > Duration::ZERO => Ok(Some(left)),
            _ => Err(late(limit)),
        }
    }

    fn wait(self, is_alone: bool) -> Wait {
        Wait {
            // Work that blocks the thread could not be cut off.
            may_block: self.limit.is_none(),
            is_alone,
        }
    }

    /// The same bound by a timer of the runtime, for where this thread drives it.
    pub(super) async fn inside<T>(self, future: impl Future<Output = Result<T>>) -> Result<T> {
        let Some((end, limit)) = self.limit else {
            return future.await;
        };
        let mut future = pin!(future);
        let mut has_begun = false;
        let work = poll_fn(|context| {
            // The timer may come late where threads are short, and what is over must not go on.
            if std::mem::replace(&mut has_begun, true) && Instant::now() >= end {
                return Poll::Ready(Err(late(limit)));
            }
            future.as_mut().poll(context)
        });
        timeout_at(end.into(), work)
            .await
            .unwrap_or_else(|_| Err(late(limit)))
    }
}

pub(super) fn late(limit: Duration) -> Error {
    Error::new(
        ErrorKind::Timeout,
        format!(
            "run a future from sync code: it was not done within {limit:?}, so it was dropped, and what it had not \
             committed is rolled back; give it more time, or find out what it waits for"
        ),
    )
}

/// Wakes the thread that waits.
struct Alarm {
    thread: Thread,
    is_set: AtomicBool,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_set.swap(true, Ordering::AcqRel) {
            self.thread.unpark();
        }
    }
}

/// Drives a future on a runtime that only this thread drives.
pub(super) fn alone<T>(
    runtime: &Runtime,
    bounds: Bounds,
    future: impl Future<Output = Result<T>>,
) -> Result<T> {
    let _waiting = bounds.wait(true).begin();
    runtime.block_on(bounds.inside(future))
}

/// Drives a future whose runtime is entered. It is dropped when the wait ends before it does.
pub(super) fn here<T>(
    runtime: &Handle,
    bounds: Bounds,
    future: impl Future<Output = Result<T>>,
) -> Result<T> {
    let alarm = Arc::new(Alarm {
        thread: thread::current(),
        is_set: AtomicBool::new(false),
    });
    let waker = Waker::from(Arc::clone(&alarm));
    let mut context = Context::from_waker(&waker);
    // The budget of the task around belongs to others, and used up it would never be filled here.
    let mut future = pin!(unconstrained(future));
    let _waiting = bounds.wait(false).begin();
    loop {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context)));
        match polled {
            Ok(Poll::Ready(outcome)) => return outcome,
            Ok(Poll::Pending) => alarm.sleep(runtime, bounds)?,
            Err(panic) => return ended_by(panic, runtime),
        }
    }
}

/// Timers of a runtime that has ended panic; every other panic is the future's own.
fn ended_by<T>(panic: Box<dyn Any + Send>, runtime: &Handle) -> Result<T> {
    if Pulse::of(runtime).has_ended() {
        return Err(Pulse::ended());
    }
    resume_unwind(panic)
}

impl Alarm {
    /// Waits until it is set.
    fn sleep(&self, runtime: &Handle, bounds: Bounds) -> Result<()> {
        let mut watch = bounds
            .answers_within
            .map(|within| Watch::new(runtime, within));
        loop {
            let left = bounds.left()?;
            if self.is_set.swap(false, Ordering::AcqRel) {
                return Ok(());
            }
            let step = match &mut watch {
                Some(watch) => Some(watch.look()?),
                None => None,
            };
            match left.into_iter().chain(step).min() {
                Some(pause) => thread::park_timeout(pause),
                None => thread::park(),
            }
        }
    }
}

/// Asks a runtime again and again whether it is still driven.
struct Watch<'r> {
    runtime: &'r Handle,
    within: Duration,
    begun: Instant,
    asked: Option<Pulse>,
}

impl<'r> Watch<'r> {
    fn new(runtime: &'r Handle, within: Duration) -> Self {
        Self {
            runtime,
            within,
            begun: Instant::now(),
            asked: None,
        }
    }

    /// Asks when half of the time is over and wants the answer when all of it is. Gives when to look again.
    fn look(&mut self) -> Result<Duration> {
        let half = self.within / 2;
        let passed = self.begun.elapsed();
        if passed < half {
            return Ok(half - passed);
        }
        match self.asked.take() {
            None => self.asked = Some(Pulse::of(self.runtime)),
            Some(asked) if passed < self.within => self.asked = Some(asked),
            Some(asked) => {
                asked.wait(Duration::ZERO, self.within)?;
                self.begun = Instant::now();
                return Ok(half);
            }
        }
        Ok(self
            .within
            .saturating_sub(passed)
            .max(Duration::from_millis(1)))
    }
}
