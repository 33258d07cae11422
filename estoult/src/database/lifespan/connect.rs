//! What connecting a database takes: its first connections, tried again where that may help, and `on_connect` hooks.
//!
//! Invariant: an attempt knows nothing of the callers that wait for it; only its deadline ends it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    database::{Database, state::Attempt},
    error::{Error, ErrorKind, Result},
    observe::Caller,
    runtime::{self, BoxFuture},
};

/// The first pause between two tries.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Everything that an attempt does, within its time limit.
pub(super) fn connect(
    database: &Database,
    attempt: &Arc<Attempt>,
) -> BoxFuture<'static, Result<()>> {
    let (database, attempt) = (database.clone(), Arc::clone(attempt));
    Box::pin(async move {
        open(&database, attempt.deadline()).await?;
        let hooks = database.hooks();
        if hooks.has_on_connect() {
            // From now on statements run on pooled connections: those of the hooks, and of any other caller.
            database.lifespans().opened(&attempt);
            let left = attempt.deadline().saturating_duration_since(Instant::now());
            let ran = runtime::within(left, hooks.run_on_connect(&database)).await;
            return ran.unwrap_or_else(|| Err(late(&database, "its `on_connect` hook still runs")));
        }
        Ok(())
    })
}

/// Opens the first connections, with all tries.
async fn open(database: &Database, deadline: Instant) -> Result<()> {
    let options = database.source().options();
    let mut last: Option<Error> = None;
    let mut tries = 0;
    loop {
        tries += 1;
        let left = deadline.saturating_duration_since(Instant::now());
        let caller = Caller::estoult(database.observers());
        let warming = async {
            let count = options.min_connections;
            database.source().warm(count, caller).await?;
            database.prepare_first(count).await
        };
        let warmed = runtime::within(left, warming).await;
        let error = match warmed {
            Some(Ok(())) => return Ok(()),
            Some(Err(error)) => error,
            None => return Err(late(database, &pending(database, tries, last.as_ref()))),
        };
        let is_last = tries > options.connect_retries || !may_help(database, &error);
        // A pause beyond the deadline would end in a timeout, which says less than the error at hand.
        let pause = pause(tries);
        if is_last || Instant::now() + pause >= deadline {
            return Err(counted(error, tries));
        }
        tracing::debug!(%database, tries, error = error.message(), "connecting is tried again");
        runtime::sleep(pause).await;
        last = Some(error);
    }
}

/// Whether trying again may help: the database was not reached, did not answer, or refuses connections for the moment.
fn may_help(database: &Database, error: &Error) -> bool {
    let transient = database.dialect().features().transient_codes;
    let has_failed_to_reach = matches!(error.kind(), ErrorKind::Connection | ErrorKind::Timeout);
    // Without a code the failure is the network's; with one it is the server's answer, which is mostly final.
    has_failed_to_reach && error.code().is_none_or(|code| transient.contains(&code))
}

fn counted(error: Error, tries: u32) -> Error {
    if tries == 1 {
        return error;
    }
    error.context(&format!("tried {tries} times"))
}

/// What the attempt waited for when its time was over.
fn pending(database: &Database, tries: u32, last: Option<&Error>) -> String {
    if let Some(error) = last {
        return format!(
            "try {tries} was under way; the one before failed: {}",
            error.message()
        );
    }
    let held_by = database.source().held_by();
    if held_by.is_empty() {
        "no answer; the server may hang, or packets are dropped on the way".to_owned()
    } else {
        format!(
            "connections of an earlier lifespan are still in use, held by {}; release them earlier, or raise \
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

/// Doubles with each try, with jitter so that programs that lost a server together do not return together.
fn pause(tries: u32) -> Duration {
    let whole = LONGEST_PAUSE.min(FIRST_PAUSE * 2_u32.saturating_pow(tries.min(16) - 1));
    // The clock's microseconds are random enough for jitter, and need no generator.
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let spread = since.map_or(0, |since| since.subsec_micros() % 256);
    whole / 2 + whole / 2 * spread / 256
}
