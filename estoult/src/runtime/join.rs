//! Running many futures at once, with a bound on how many.

use std::{future::poll_fn, pin::Pin, task::Poll};

/// A future behind a pointer.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Runs all futures, at most `limit` at the same time, and gives their outputs in the order of the futures.
pub(crate) async fn join_bounded<T>(futures: Vec<BoxFuture<'_, T>>, limit: usize) -> Vec<T> {
    let mut waiting = futures.into_iter().enumerate();
    let mut running: Vec<(usize, BoxFuture<'_, T>)> = Vec::new();
    let mut outputs = Vec::new();
    loop {
        let room = limit.saturating_sub(running.len());
        running.extend(waiting.by_ref().take(room));
        if running.is_empty() {
            break;
        }
        outputs.push(first_ready(&mut running).await);
    }
    outputs.sort_by_key(|(index, _)| *index);
    outputs.into_iter().map(|(_, output)| output).collect()
}

/// The output of the first future that is ready; it is removed.
async fn first_ready<T>(running: &mut Vec<(usize, BoxFuture<'_, T>)>) -> (usize, T) {
    poll_fn(|context| {
        // The futures share one waker, so a wake does not say which of them to poll; there are at most `limit`.
        for position in 0..running.len() {
            let (index, future) = &mut running[position];
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                let index = *index;
                // The order may change here: `join_bounded` sorts the outputs by index.
                drop(running.swap_remove(position));
                return Poll::Ready((index, output));
            }
        }
        Poll::Pending
    })
    .await
}
