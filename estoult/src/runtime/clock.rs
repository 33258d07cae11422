//! The clock of the runtime around the running code: time limits and pauses.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    panic::catch_unwind,
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use tokio::runtime::{Handle, Id};

use super::{operation::own, timer::Timer};
use crate::error::{Error, Result};

/// What a limit beyond the range of the clock is taken for.
const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);

thread_local! {
    /// The last runtime that this thread asked for timers, and whether it has them.
    static ASKED: Cell<Option<(Id, bool)>> = const { Cell::new(None) };
}

/// Whether a runtime was built with `enable_time`; tokio has no question for it, and panics when a timer is made.
fn has_timers(runtime: Id) -> bool {
    if let Some((asked, has_timers)) = ASKED.get()
        && asked == runtime
    {
        return has_timers;
    }
    let has_timers = catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).is_ok();
    ASKED.set(Some((runtime, has_timers)));
    has_timers
}

/// Whether there is a runtime here whose timers end a wait.
pub(crate) fn is_timed() -> bool {
    Handle::try_current().is_ok_and(|current| has_timers(current.id()))
}

/// Refuses a runtime without timers, where a time limit would be passed over. Without a runtime there is no limit.
pub(crate) fn check_timers() -> Result<()> {
    match Handle::try_current() {
        Ok(current) if !has_timers(current.id()) => Err(Error::configuration(
            "use a database: the tokio runtime here has no timers; build it with `enable_time` or `enable_all`",
        )),
        _ => Ok(()),
    }
}

/// The result of the work, or `None` when it takes longer than `limit`.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let work = pin!(work);
    if !is_timed() {
        return Some(own(work).await);
    }
    let mut work = pin!(own(work));
    let end = tokio::time::Instant::now() + limit.min(FAR);
    let mut timer: Option<Timer> = None;
    poll_fn(|context| {
        if let Poll::Ready(output) = work.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        let timer = timer.get_or_insert_with(|| Timer::until(end));
        if timer.is_elsewhere() && is_timed() {
            *timer = Timer::until(end);
        }
        timer.poll(end, context).map(|()| None)
    })
    .await
}

/// Waits for this long.
pub(crate) async fn sleep(pause: Duration) {
    if is_timed() {
        own(pin!(tokio::time::sleep(pause))).await;
    } else {
        // Without a runtime a future blocks its thread anyway, and no other future waits for it.
        std::thread::sleep(pause);
    }
}

/// When a time limit ends that begins now. One beyond the range of the clock ends in thirty years, as tokio's do.
pub(crate) fn end_after(limit: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(limit).unwrap_or_else(|| now + FAR)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{check_timers, end_after, sleep, within};

    #[test]
    fn a_runtime_without_timers_is_refused_and_sets_no_limit() {
        let timed = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let untimed = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        check_timers().unwrap();
        for _ in 0..2 {
            timed.block_on(async { check_timers().unwrap() });
            untimed.block_on(async {
                check_timers().unwrap_err();
                sleep(Duration::from_millis(1)).await;
                assert_eq!(within(Duration::ZERO, async { 1 }).await, Some(1));
            });
        }
    }

    #[test]
    fn a_limit_beyond_the_range_of_the_clock_has_an_end() {
        let (soon, late) = (end_after(Duration::ZERO), end_after(Duration::MAX));
        assert!(soon <= Instant::now() && late > soon);
    }
}
