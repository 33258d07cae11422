//! The first listener: statements as events of `tracing`.

use std::{fmt, time::Duration};

use tracing::{Level, field};

use super::event::{Completion, Event, Operation};

/// What the events are filtered by.
const TARGET: &str = "estoult::sql";
/// How much of a text is written: the rows of a bulk insert have thousands of placeholders.
const TEXT_SHOWN: usize = 2_000;

/// How much of an operation is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measured {
    /// Only what a warning about a slow statement needs.
    Slow,
    All,
}

// The level of an event is a constant, so that a filter decides once for each place in the code.
macro_rules! levels {
    ($($name:ident $level:expr)+) => {$(
        fn $name(event: &Event<'_>, message: fmt::Arguments<'_>) {
            let is_acquire = event.operation == Operation::Acquire;
            tracing::event!(
                target: TARGET,
                $level,
                database = event.database,
                at = event.origin.map(field::display),
                tags = tags(event),
                together = (event.together > 1).then_some(event.together),
                queued = shown(event.queued).map(field::debug),
                run = shown(event.run).filter(|_| !is_acquire).map(field::debug),
                decoded = shown(event.decoded).map(field::debug),
                rows = event.rows,
                error = error(event),
                "{message}"
            );
        }
    )+};
}

levels! {
    warn Level::WARN
    debug Level::DEBUG
    trace Level::TRACE
}

/// What a subscriber of `tracing` wants.
pub(super) fn wanted(slow: Duration) -> Option<Measured> {
    if tracing::enabled!(target: TARGET, Level::DEBUG) {
        return Some(Measured::All);
    }
    let may_warn = slow != Duration::MAX && tracing::enabled!(target: TARGET, Level::WARN);
    may_warn.then_some(Measured::Slow)
}

pub(super) fn write(event: &Event<'_>, slow: Duration) {
    let sql = Shortened(event.sql);
    // The time of a COPY is that of the program's own data.
    let may_warn = event.operation.has_text() && event.operation != Operation::Copy;
    match event.operation {
        _ if may_warn && event.run + event.decoded >= slow => {
            warn(event, format_args!("slow statement: {sql}"));
        }
        Operation::Acquire => trace(event, format_args!("acquire a connection")),
        Operation::Connect => debug(event, format_args!("open a connection")),
        _ => debug(event, format_args!("{sql}")),
    }
}

/// `request=7, user=42`.
fn tags(event: &Event<'_>) -> Option<String> {
    let mut text = String::new();
    for (name, value) in event.context.tags() {
        let separator = if text.is_empty() { "" } else { ", " };
        text.push_str(separator);
        text.push_str(&format!("{name}={value}"));
    }
    (!text.is_empty()).then_some(text)
}

fn shown(time: Duration) -> Option<Duration> {
    (!time.is_zero()).then_some(time)
}

fn error<'e>(event: &Event<'e>) -> Option<&'e str> {
    match event.completion {
        Completion::Done => None,
        Completion::Failed(error) => Some(error.message()),
        Completion::Dropped => Some("dropped before it was done"),
    }
}

/// The beginning of a text.
struct Shortened<'t>(&'t str);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(TEXT_SHOWN) {
            Some((end, _)) => write!(f, "{} …", &self.0[..end]),
            None => f.write_str(self.0),
        }
    }
}
