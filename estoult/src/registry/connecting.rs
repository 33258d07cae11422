//! What it takes to connect a database: its first connections, tried again where that may help, and what runs then.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, time::timeout};

use super::attempt::Attempt;
use crate::{
    database::{Database, together::Work},
    error::{Error, ErrorKind, Result},
};

/// The first pause between two tries.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Everything that an attempt does, within the time that it has.
pub(super) fn connect(database: &Database, attempt: &Arc<Attempt>) -> Work<Result<()>> {
    let (database, attempt) = (database.clone(), Arc::clone(attempt));
    Box::pin(async move {
        open(&database, attempt.ends()).await?;
        let hooks = &database.source().options().hooks;
        if hooks.has_greeting() {
            database.lives().greet(&attempt);
            let greeted = in_time(attempt.ends(), hooks.greet(&database)).await;
            return greeted
                .unwrap_or_else(|| Err(late(&database, "its `on_connect` hook still runs")));
        }
        Ok(())
    })
}

/// Opens the first connections, with all tries.
async fn open(database: &Database, ends: Instant) -> Result<()> {
    let options = database.source().options();
    let mut last: Option<Error> = None;
    let mut tries = 0;
    loop {
        tries += 1;
        let warmed = in_time(ends, database.source().warm(options.min_connections)).await;
        let error = match warmed {
            Some(Ok(())) => return Ok(()),
            Some(Err(error)) => error,
            None => return Err(late(database, &pending(database, tries, last.as_ref()))),
        };
        let is_last = tries > options.connect_retries || !may_pass(database, &error);
        let pause = pause(tries);
        if is_last || Instant::now() + pause >= ends {
            return Err(counted(error, tries));
        }
        tracing::debug!(%database, tries, error = error.message(), "connecting is tried again");
        sleep(pause).await;
        last = Some(error);
    }
}

/// Whether trying again may help: the database was not reached or did not answer, or says that it will take it later.
fn may_pass(database: &Database, error: &Error) -> bool {
    let passing = database.dialect().features().passing_refusals;
    let has_failed_to_reach = matches!(error.kind(), ErrorKind::Connection | ErrorKind::Timeout);
    has_failed_to_reach && error.code().is_none_or(|code| passing.contains(&code))
}

fn counted(error: Error, tries: u32) -> Error {
    if tries == 1 {
        return error;
    }
    error.context(&format!("tried {tries} times"))
}

/// What was waited for when the time was over.
fn pending(database: &Database, tries: u32, last: Option<&Error>) -> String {
    if let Some(error) = last {
        return format!(
            "try {tries} was under way; the one before failed: {}",
            error.message()
        );
    }
    let held_by = database.source().held_by();
    if held_by.is_empty() {
        "no answer; the server may stand still, or packets are dropped on the way".to_owned()
    } else {
        format!(
            "connections of an earlier lifespan are still in use, held by {}; give them back earlier, or raise \
             max_connections",
            held_by.join("; ")
        )
    }
}

fn late(database: &Database, reason: &str) -> Error {
    let (address, limit) = (
        database.address(),
        database.source().options().connect_within,
    );
    Error::new(
        ErrorKind::Timeout,
        format!("connect to {address}: not done within {limit:?} (`connect_within`): {reason}"),
    )
}

/// The outcome, or nothing when it does not come until then.
async fn in_time<T>(ends: Instant, work: impl Future<Output = T>) -> Option<T> {
    if Handle::try_current().is_err() {
        // Without a runtime there is no clock, and whatever is done blocks the thread.
        return Some(work.await);
    }
    let left = ends.saturating_duration_since(Instant::now());
    timeout(left, work).await.ok()
}

/// Longer each time, and somewhat more or less so that many do not come back at the same moment.
fn pause(tries: u32) -> Duration {
    let whole = LONGEST_PAUSE.min(FIRST_PAUSE * 2_u32.saturating_pow(tries.min(16) - 1));
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let spread = since.map_or(0, |since| since.subsec_micros() % 256);
    whole / 2 + whole / 2 * spread / 256
}

async fn sleep(pause: Duration) {
    if Handle::try_current().is_ok() {
        tokio::time::sleep(pause).await;
    } else {
        std::thread::sleep(pause);
    }
}
