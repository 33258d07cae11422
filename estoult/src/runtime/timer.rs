//! [`Timer`]: the timer of a time limit. A thread that drives a runtime of its own keeps one from wait to wait.
//!
//! A new timer wakes tokio's driver, which costs two system calls. Most limits are over long before they end, so the
//! timer of the last wait ends before that of the next one: it is left as it is, and moved only should it go off.

use std::{
    cell::RefCell,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    runtime::{Handle, Id},
    time::{Instant, Sleep, sleep_until},
};

thread_local! {
    static REUSED: RefCell<Reused> = const { RefCell::new(Reused::Nothing) };
}

/// What a thread keeps.
enum Reused {
    /// It keeps no timer.
    Nothing,
    /// It drives this runtime alone, and keeps a timer of it, unless that is in use.
    Of(Id, Option<Pin<Box<Sleep>>>),
}

/// Lets the thread keep a timer of this runtime, which no other thread drives.
pub(crate) fn keep_timer(runtime: &Handle) {
    set(Reused::Of(runtime.id(), None));
}

/// Drops the timer that the thread keeps of this runtime, which it would hold on to.
pub(crate) fn forget_timer(runtime: &Handle) {
    let is_of = |kept: &Reused| matches!(kept, Reused::Of(of, _) if *of == runtime.id());
    if REUSED
        .try_with(|kept| is_of(&kept.borrow()))
        .unwrap_or(false)
    {
        set(Reused::Nothing);
    }
}

fn set(reused: Reused) {
    // A destructor of the ending thread may come after it. What was kept is dropped behind the borrow.
    drop(REUSED.try_with(|all| mem::replace(&mut *all.borrow_mut(), reused)));
}

/// A timer that is put back when it is dropped.
pub(super) struct Timer {
    runtime: Id,
    /// `None` only while it is dropped.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// A timer of the runtime here for a limit that ends then; the one that was kept may go off before.
    pub(super) fn until(end: Instant) -> Self {
        let runtime = Handle::current().id();
        let kept = REUSED.try_with(|kept| match &mut *kept.borrow_mut() {
            Reused::Of(of, timer) if *of == runtime => timer.take(),
            Reused::Of(..) | Reused::Nothing => None,
        });
        let sleep = kept.ok().flatten();
        Self {
            runtime,
            sleep: Some(sleep.unwrap_or_else(|| Box::pin(sleep_until(end)))),
        }
    }

    /// Whether the present runtime is another one. That of the timer may be driven by no thread.
    pub(super) fn is_elsewhere(&self) -> bool {
        Handle::try_current().is_ok_and(|here| here.id() != self.runtime)
    }

    /// Waits for the end of the limit.
    pub(super) fn poll(&mut self, end: Instant, context: &mut Context<'_>) -> Poll<()> {
        // Also where the work around leaves none of tokio's budget to the timer.
        if Instant::now() >= end {
            return Poll::Ready(());
        }
        let Some(sleep) = &mut self.sleep else {
            return Poll::Pending;
        };
        if sleep.deadline() > end {
            sleep.as_mut().reset(end);
        }
        ready!(sleep.as_mut().poll(context));
        if sleep.deadline() >= end {
            return Poll::Ready(());
        }
        sleep.as_mut().reset(end);
        sleep.as_mut().poll(context)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let sleep = self.sleep.take();
        // Ignored where the thread is ending.
        let left = REUSED.try_with(|kept| match &mut *kept.borrow_mut() {
            Reused::Of(of, timer) if *of == self.runtime => mem::replace(timer, sleep),
            Reused::Of(..) | Reused::Nothing => sleep,
        });
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        time::{Duration, Instant},
    };

    use super::{REUSED, Reused, forget_timer, keep_timer};
    use crate::runtime::within;

    fn is_kept() -> bool {
        REUSED.with_borrow(|kept| matches!(kept, Reused::Of(_, Some(_))))
    }

    #[test]
    fn a_kept_timer_ends_later_limits_and_earlier_ones() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        keep_timer(runtime.handle());
        let ends = |limit| {
            let begun = Instant::now();
            let ended = runtime.block_on(within(Duration::from_millis(limit), pending::<()>()));
            assert_eq!(ended, None);
            let spent = begun.elapsed();
            assert!(spent >= Duration::from_millis(limit) && spent < Duration::from_secs(5));
            assert!(is_kept());
        };
        ends(5);
        ends(40);
        runtime.block_on(within(Duration::from_secs(60), async {
            tokio::task::yield_now().await;
        }));
        ends(5);
        // Each of two waits at once has a timer.
        let both = runtime.block_on(async {
            tokio::join!(
                within(Duration::from_millis(5), pending::<()>()),
                within(Duration::from_millis(9), pending::<()>()),
            )
        });
        assert_eq!(both, (None, None));
        forget_timer(runtime.handle());
        runtime.block_on(within(Duration::from_millis(5), pending::<()>()));
        assert!(!is_kept());
    }

    /// It keeps the timer that it has, and does not panic.
    #[test]
    fn a_wait_may_go_on_in_a_runtime_without_timers() {
        let timed = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_time()
            .build()
            .unwrap();
        let untimed = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let mut wait = Box::pin(within(Duration::from_millis(40), pending::<()>()));
        let begun = timed.block_on(async {
            tokio::time::timeout(Duration::from_millis(1), wait.as_mut()).await
        });
        begun.unwrap_err();
        assert_eq!(untimed.block_on(wait.as_mut()), None);
    }

    #[test]
    fn a_wait_that_goes_on_in_another_runtime_ends_there() {
        let runtime = || {
            tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .unwrap()
        };
        let resting = runtime();
        let mut wait = Box::pin(within(Duration::from_millis(40), pending::<()>()));
        let begun = resting.block_on(async {
            tokio::time::timeout(Duration::from_millis(1), wait.as_mut()).await
        });
        begun.unwrap_err();
        assert_eq!(runtime().block_on(wait.as_mut()), None);
        let mut wait = Box::pin(within(Duration::from_millis(40), pending::<()>()));
        let begun = resting.block_on(async {
            tokio::time::timeout(Duration::from_millis(1), wait.as_mut()).await
        });
        begun.unwrap_err();
        drop(resting);
        assert_eq!(runtime().block_on(wait.as_mut()), None);
    }
}
