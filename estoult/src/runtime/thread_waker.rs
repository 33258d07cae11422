//! [`ThreadWaker`]: wakes a thread that sleeps until its future can go on.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use super::clock::end_after;

/// Wakes the thread that waits. The flag remembers a wake that comes while the thread still polls.
pub(crate) struct ThreadWaker {
    thread: Thread,
    is_set: AtomicBool,
}

impl Wake for ThreadWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Release, paired with the acquire in `take`: the poll sees what was written before the wake. One unpark is
        // enough until the flag is taken.
        if !self.is_set.swap(true, Ordering::AcqRel) {
            self.thread.unpark();
        }
    }
}

impl ThreadWaker {
    /// That of the present thread.
    pub(crate) fn here() -> Arc<Self> {
        Arc::new(Self {
            thread: thread::current(),
            is_set: AtomicBool::new(false),
        })
    }

    /// Whether the thread was woken since the last call. It sleeps with `thread::park_timeout`, which returns at once
    /// after a wake, and maybe for no reason.
    pub(crate) fn take(&self) -> bool {
        self.is_set.swap(false, Ordering::AcqRel)
    }
}

/// Waits on a thread that may block for a future that needs no runtime; `None` when this time is over.
pub(crate) fn blocking_within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let thread_waker = ThreadWaker::here();
    let waker = Waker::from(Arc::clone(&thread_waker));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    let end = end_after(limit);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        while !thread_waker.take() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            thread::park_timeout(left);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, thread, time::Duration};

    use super::blocking_within;

    #[test]
    fn a_wait_ends_when_its_future_does_or_its_time_is_over() {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let sending = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            sender.send(7)
        });
        let received = blocking_within(Duration::from_secs(60), receiver);
        assert_eq!(received, Some(Ok(7)));
        sending.join().unwrap().unwrap();
        assert_eq!(
            blocking_within(Duration::from_millis(5), pending::<()>()),
            None
        );
    }
}
