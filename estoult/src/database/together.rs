//! Doing the same with many databases or connections at once, a bounded number at a time.

use std::{future::poll_fn, pin::Pin, task::Poll};

/// What is done with one of them.
pub(crate) type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Does all of it, so many at the same time, and gives what came out in the order of the work.
pub(crate) async fn together<T>(works: Vec<Work<T>>, at_once: usize) -> Vec<T> {
    let mut waiting = works.into_iter().enumerate();
    let mut ongoing: Vec<(usize, Work<T>)> = Vec::new();
    let mut done = Vec::new();
    loop {
        let room = at_once.saturating_sub(ongoing.len());
        ongoing.extend(waiting.by_ref().take(room));
        if ongoing.is_empty() {
            break;
        }
        done.push(first_ready(&mut ongoing).await);
    }
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Drives all that is ongoing, and gives the first that is ready.
async fn first_ready<T>(ongoing: &mut Vec<(usize, Work<T>)>) -> (usize, T) {
    poll_fn(|context| {
        for place in 0..ongoing.len() {
            let (number, work) = &mut ongoing[place];
            if let Poll::Ready(outcome) = work.as_mut().poll(context) {
                let number = *number;
                drop(ongoing.swap_remove(place));
                return Poll::Ready((number, outcome));
            }
        }
        Poll::Pending
    })
    .await
}
