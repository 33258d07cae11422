//! Drives a future on this thread. Where the runtime is driven elsewhere, the thread sleeps until the future is woken,
//! its limit is over, or the runtime no longer answers.
//!
//! Invariant: a thread that blocks a runtime's scheduler must not call this; `dispatch` decides that.

use std::{
    any::Any,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Handle, Runtime},
    task::unconstrained,
    time::{self, Sleep, timeout_at},
};

use super::{
    liveness::LivenessProbe,
    sync_limit::{ForeignWait, SyncLimit},
};
use crate::{
    error::{Error, ErrorKind, Result},
    runtime::{Polled, ThreadWaker, Wait, end_after, is_timed},
};

/// How often a runtime that drives itself is probed.
const PROBED_EVERY: Duration = Duration::from_millis(500);

/// What bounds a wait.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bounds {
    limit: Option<(Instant, Duration)>,
    /// What limits a wait for others, where the caller set no limit.
    foreign: Option<SyncLimit>,
    /// How long the runtime may take to answer; `None` where threads of its own drive it, which may be busy.
    answers_within: Option<Duration>,
}

impl Bounds {
    /// A wait that ends after this time.
    pub(super) fn of(limit: Duration) -> Self {
        Self {
            // A limit beyond the clock's range is no limit.
            limit: Instant::now().checked_add(limit).map(|end| (end, limit)),
            ..Self::default()
        }
    }

    /// A wait that ends when the future waits too long for what is not estoult's.
    pub(super) fn foreign(limit: SyncLimit) -> Self {
        Self {
            foreign: Some(limit),
            ..Self::default()
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
    fn remaining(self) -> Result<Option<Duration>> {
        let Some((end, limit)) = self.limit else {
            return Ok(None);
        };
        match end.checked_duration_since(Instant::now()) {
            Some(left) if left > Duration::ZERO => Ok(Some(left)),
            _ => Err(timed_out(limit)),
        }
    }

    fn wait(self) -> Wait {
        Wait {
            // A limit can't end work that blocks this thread, so SQLite then works on another one.
            may_block: self.limit.is_none(),
            sync_limit: self.foreign.map(|foreign| foreign.limit),
        }
    }

    /// The future with a timer of the runtime, where this thread drives the runtime.
    pub(super) async fn timed<T>(self, future: impl Future<Output = Result<T>>) -> Result<T> {
        let mut future = pin!(future);
        let Some((end, limit)) = self.limit else {
            return self.watched(future).await;
        };
        let mut has_begun = false;
        let work = poll_fn(|context| {
            // The timer may be late on a busy machine; a future whose time is over is not polled again, except that the
            // first poll gives work that is ready at once its chance.
            if std::mem::replace(&mut has_begun, true) && Instant::now() >= end {
                return Poll::Ready(Err(timed_out(limit)));
            }
            future.as_mut().poll(context)
        });
        timeout_at(end.into(), work)
            .await
            .unwrap_or_else(|_| Err(timed_out(limit)))
    }

    /// The future with a timer for what it waits for that is not estoult's.
    async fn watched<T>(self, mut future: Pin<&mut impl Future<Output = Result<T>>>) -> Result<T> {
        let mut foreign = ForeignWait::new(self.foreign);
        // Made for the first such wait; most futures have none.
        let mut timer: Option<Pin<Box<Sleep>>> = None;
        poll_fn(move |context| {
            foreign.resume();
            Polled::take();
            if let Poll::Ready(outcome) = future.as_mut().poll(context) {
                return Poll::Ready(outcome);
            }
            foreign.pause(Polled::take());
            let left = match foreign.remaining() {
                Ok(Some(left)) => left,
                Ok(None) => return Poll::Pending,
                Err(expired) => return Poll::Ready(Err(expired)),
            };
            if !is_timed() {
                return Poll::Pending;
            }
            let timer = timer.get_or_insert_with(|| Box::pin(time::sleep(left)));
            timer.as_mut().reset(end_after(left).into());
            match timer.as_mut().poll(context) {
                Poll::Ready(()) => {
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}

pub(super) fn timed_out(limit: Duration) -> Error {
    Error::new(
        ErrorKind::Timeout,
        format!(
            "run a future from sync code: it was not done within {limit:?}, so it was dropped, and what it had not \
             committed is rolled back; give it more time, or find out what it waits for"
        ),
    )
}

/// Drives a future on a runtime that only this thread drives.
pub(super) fn drive_runtime<T>(
    runtime: &Runtime,
    bounds: Bounds,
    future: impl Future<Output = Result<T>>,
) -> Result<T> {
    let _waiting = bounds.wait().begin();
    let mut future = pin!(bounds.timed(future));
    // Fast path: what is ready at once, as most statements of SQLite are, needs no scheduler. What is not is polled
    // again by the runtime, with its own waker.
    let entered = runtime.enter();
    let polled = future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    drop(entered);
    match polled {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => runtime.block_on(future),
    }
}

/// Drives a future whose runtime is entered, but driven by other threads. It is dropped when the wait ends first.
pub(super) fn drive_future<T>(
    runtime: &Handle,
    bounds: Bounds,
    future: impl Future<Output = Result<T>>,
) -> Result<T> {
    let thread_waker = ThreadWaker::here();
    let waker = Waker::from(Arc::clone(&thread_waker));
    let mut context = Context::from_waker(&waker);
    // tokio's cooperative budget is that of the task around, which gets a new one only when it yields; it can't while
    // this thread waits. Without a budget of its own the future would be woken and pending for ever.
    let mut future = pin!(unconstrained(future));
    let _waiting = bounds.wait().begin();
    let mut foreign = ForeignWait::new(bounds.foreign);
    loop {
        foreign.resume();
        Polled::take();
        // Unwind safe: after a panic the future is not polled again.
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context)));
        match polled {
            Ok(Poll::Ready(outcome)) => return outcome,
            Ok(Poll::Pending) => {
                foreign.pause(Polled::take());
                sleep(&thread_waker, runtime, bounds, &foreign)?;
            }
            Err(panic) => return explain_panic(panic, runtime),
        }
    }
}

/// Timers of a runtime that has ended panic; every other panic is the future's own.
fn explain_panic<T>(panic: Box<dyn Any + Send>, runtime: &Handle) -> Result<T> {
    if LivenessProbe::of(runtime).has_ended() {
        return Err(LivenessProbe::ended());
    }
    resume_unwind(panic)
}

/// Waits until the future is woken; fails when its limit is over or the runtime does not answer.
fn sleep(
    thread_waker: &ThreadWaker,
    runtime: &Handle,
    bounds: Bounds,
    foreign: &ForeignWait,
) -> Result<()> {
    let mut watch = LivenessWatch::new(runtime, bounds.answers_within);
    loop {
        // The limit goes before the wake: a future that is woken again and again must end, too.
        let left = [bounds.remaining()?, foreign.remaining()?];
        if thread_waker.take() {
            return Ok(());
        }
        let step = watch.check()?;
        thread::park_timeout(left.into_iter().flatten().fold(step, Duration::min));
    }
}

/// Probes a runtime again and again: half of the time passes before a probe is sent, the other half before its answer
/// is required, so that a short wait sends none. A runtime that shuts down never wakes the thread, not even for timers;
/// it drops the probe.
struct LivenessWatch<'r> {
    runtime: &'r Handle,
    within: Duration,
    /// Whether an answer is required: a runtime with threads of its own may take longer, but must not have ended.
    is_answer_required: bool,
    begun: Instant,
    asked: Option<LivenessProbe>,
}

impl<'r> LivenessWatch<'r> {
    fn new(runtime: &'r Handle, answers_within: Option<Duration>) -> Self {
        Self {
            runtime,
            within: answers_within.unwrap_or(PROBED_EVERY),
            is_answer_required: answers_within.is_some(),
            begun: Instant::now(),
            asked: None,
        }
    }

    /// Sends or checks a probe when it is time to; how long to sleep until the next call.
    fn check(&mut self) -> Result<Duration> {
        let half = self.within / 2;
        let passed = self.begun.elapsed();
        if passed < half {
            return Ok(half - passed);
        }
        match self.asked.take() {
            None => self.asked = Some(LivenessProbe::of(self.runtime)),
            Some(asked) if passed < self.within => self.asked = Some(asked),
            Some(asked) => {
                if self.is_answer_required {
                    asked.wait(Duration::ZERO, self.within)?;
                } else if asked.has_ended() {
                    return Err(LivenessProbe::ended());
                }
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
