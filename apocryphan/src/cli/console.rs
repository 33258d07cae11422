//! Where the command line writes: the process's streams, or memory for a test.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::rider::Event;

/// Stdout and stderr of a command; clones write to the same place.
#[derive(Clone)]
pub struct Console(Arc<Mutex<Streams>>);

struct Streams {
    target: Target,
    spinner: ProgressBar,
}

enum Target {
    Standard,
    Captured { out: String, err: String },
}

impl Console {
    /// The streams of the process, with a spinner where stderr is a terminal.
    pub fn standard() -> Self {
        Self::new(Target::Standard, ProgressDrawTarget::stderr())
    }

    /// Keeps everything, to be read with [`stdout`](Self::stdout) and [`stderr`](Self::stderr).
    pub fn captured() -> Self {
        let target = Target::Captured {
            out: String::new(),
            err: String::new(),
        };
        Self::new(target, ProgressDrawTarget::hidden())
    }

    fn new(target: Target, drawn: ProgressDrawTarget) -> Self {
        let spinner = ProgressBar::with_draw_target(None, drawn);
        Self(Arc::new(Mutex::new(Streams { target, spinner })))
    }

    /// What was written to stdout; empty if it was not kept.
    pub fn stdout(&self) -> String {
        match &self.streams().target {
            Target::Captured { out, .. } => out.clone(),
            Target::Standard => String::new(),
        }
    }

    /// What was written to stderr; empty if it was not kept.
    pub fn stderr(&self) -> String {
        match &self.streams().target {
            Target::Captured { err, .. } => err.clone(),
            Target::Standard => String::new(),
        }
    }

    /// A result.
    pub(super) fn line(&self, line: &str) {
        self.streams().write(line, true);
    }

    /// Anything else.
    pub(super) fn error(&self, line: &str) {
        self.streams().write(line, false);
    }

    /// Tells of applied migrations that are not at hand.
    pub(super) fn missing(&self, ids: &[String]) {
        if !ids.is_empty() {
            let ids = ids.join(", ");
            self.error(&format!(
                "Applied, and not among the migrations at hand: {ids}"
            ));
        }
    }

    /// Takes the spinner away.
    pub(super) fn quiet(&self) {
        self.streams().spinner.finish_and_clear();
    }

    /// Shows what happens during a run.
    pub(super) fn observer(&self) -> impl Fn(&Event<'_>) + Send + Sync + 'static {
        let console = self.clone();
        move |event| console.event(event)
    }

    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Waiting(holder) => {
                self.error(&format!(
                    "Waiting for another run to finish: {holder} holds the lock"
                ));
            }
            Event::Started(id) => {
                let streams = self.streams();
                streams.spinner.set_message((*id).to_owned());
                streams
                    .spinner
                    .enable_steady_tick(Duration::from_millis(100));
            }
            Event::Applied(done) => {
                self.line(&format!(
                    "Applied migration: {}{}",
                    done.id,
                    self.time(done.duration)
                ));
            }
            Event::RolledBack(done) => {
                self.line(&format!(
                    "Rolled back migration: {}{}",
                    done.id,
                    self.time(done.duration)
                ));
            }
            Event::Ignored(ignored) => {
                let code = ignored.error.code().map(|code| format!(" ({code})"));
                self.error(&format!(
                    "Ignored error in {} step {}{}: {}",
                    ignored.id,
                    ignored.step,
                    code.unwrap_or_default(),
                    ignored.error.message()
                ));
            }
            Event::Kept(kept) => {
                self.error(&format!(
                    "Nothing undoes {} step {}: it has no rollback",
                    kept.id, kept.step
                ));
            }
        }
    }

    /// ` (12.3 ms)` for people, nothing for programs that read the result.
    fn time(&self, duration: Duration) -> String {
        let seconds = duration.as_secs_f64();
        match self.streams().target {
            Target::Standard if io::stdout().is_terminal() && seconds < 1.0 => {
                format!(" ({:.1} ms)", seconds * 1000.0)
            }
            Target::Standard if io::stdout().is_terminal() => format!(" ({seconds:.2} s)"),
            Target::Standard | Target::Captured { .. } => String::new(),
        }
    }

    fn streams(&self) -> MutexGuard<'_, Streams> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Streams {
    /// A stream that is closed is no reason to stop: the database matters more.
    fn write(&mut self, line: &str, is_result: bool) {
        match &mut self.target {
            Target::Captured { out, err } => {
                let text = if is_result { out } else { err };
                text.push_str(line);
                text.push('\n');
            }
            Target::Standard => {
                let _ = self.spinner.suspend(|| match is_result {
                    true => writeln!(io::stdout(), "{line}"),
                    false => writeln!(io::stderr(), "{line}"),
                });
            }
        }
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").finish_non_exhaustive()
    }
}
