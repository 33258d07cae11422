//! The time limit of an operation, for work that blocks the thread: no timer goes off meanwhile, so it asks itself.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    pin::pin,
    time::Instant,
};

thread_local! {
    static END: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Restores the limit of the operation around.
struct EndGuard(Option<Instant>);

impl Drop for EndGuard {
    fn drop(&mut self) {
        END.set(self.0);
    }
}

/// Runs an operation that ends then. It is still polled to its end: only work within it that asks stops.
pub(crate) async fn until<T>(end: Instant, operation: impl Future<Output = T>) -> T {
    let mut operation = pin!(operation);
    poll_fn(|context| {
        let _around = EndGuard(END.replace(Some(end)));
        operation.as_mut().poll(context)
    })
    .await
}

/// Whether the time of the operation that this thread polls is over.
pub(crate) fn is_time_over() -> bool {
    END.get().is_some_and(|end| Instant::now() >= end)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{is_time_over, until};

    #[tokio::test]
    async fn a_limit_holds_within_its_operation() {
        let (now, later) = (Instant::now(), Instant::now() + Duration::from_secs(60));
        let nested = until(later, async {
            assert!(!is_time_over());
            until(now, async { assert!(is_time_over()) }).await;
            assert!(!is_time_over());
        });
        nested.await;
        assert!(!is_time_over());
    }
}
