//! Waits on threads that may block.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use crate::runtime::{ThreadWaker, end_after};

/// Waits on a thread that may block for a future that needs no runtime; `None` when this time is over.
pub(super) fn blocking_within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
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
