//! Where the command line writes: the streams of the process, or memory for a test.

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
pub struct Console(Arc<Mutex<Writer>>);

struct Writer {
    output: Output,
    spinner: ProgressBar,
}

enum Output {
    Process,
    Captured { out: String, err: String },
}

impl Console {
    /// The streams of the process, with a spinner where stderr is a terminal.
    pub fn standard() -> Self {
        Self::new(Output::Process, ProgressDrawTarget::stderr())
    }

    /// Collects everything, to be read with [`stdout`](Self::stdout) and [`stderr`](Self::stderr).
    pub fn captured() -> Self {
        let output = Output::Captured {
            out: String::new(),
            err: String::new(),
        };
        Self::new(output, ProgressDrawTarget::hidden())
    }

    fn new(output: Output, drawn: ProgressDrawTarget) -> Self {
        let spinner = ProgressBar::with_draw_target(None, drawn);
        Self(Arc::new(Mutex::new(Writer { output, spinner })))
    }

    /// What was written to stdout; empty unless the console is captured.
    pub fn stdout(&self) -> String {
        match &self.writer().output {
            Output::Captured { out, .. } => out.clone(),
            Output::Process => String::new(),
        }
    }

    /// What was written to stderr; empty unless the console is captured.
    pub fn stderr(&self) -> String {
        match &self.writer().output {
            Output::Captured { err, .. } => err.clone(),
            Output::Process => String::new(),
        }
    }

    /// Writes a line of the result.
    pub(super) fn line(&self, line: &str) {
        self.writer().write(line, true);
    }

    /// Writes any other line.
    pub(super) fn error(&self, line: &str) {
        self.writer().write(line, false);
    }

    /// Warns of migrations that are applied and whose files are missing.
    pub(super) fn warn_of_missing(&self, ids: &[String]) {
        if !ids.is_empty() {
            let ids = ids.join(", ");
            self.error(&format!("Applied, but missing here: {ids}"));
        }
    }

    /// Removes the spinner from the terminal, so that the next line does not begin behind it.
    pub(super) fn clear_spinner(&self) {
        self.writer().spinner.finish_and_clear();
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
            // Drawn on a terminal only; elsewhere the spinner writes nothing.
            Event::Started(id) => {
                let writer = self.writer();
                writer.spinner.set_message((*id).to_owned());
                writer
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
            Event::Irreversible(skipped) => {
                self.error(&format!(
                    "Nothing undoes {} step {}: it has no rollback",
                    skipped.id, skipped.step
                ));
            }
        }
    }

    /// ` (12.3 ms)` for people, nothing for programs that read the result.
    fn time(&self, duration: Duration) -> String {
        let seconds = duration.as_secs_f64();
        match self.writer().output {
            Output::Process if io::stdout().is_terminal() && seconds < 1.0 => {
                format!(" ({:.1} ms)", seconds * 1000.0)
            }
            Output::Process if io::stdout().is_terminal() => format!(" ({seconds:.2} s)"),
            Output::Process | Output::Captured { .. } => String::new(),
        }
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    /// Writes a line. A stream that was closed must not stop a run half-way, so a failure is ignored.
    fn write(&mut self, line: &str, is_result: bool) {
        match &mut self.output {
            Output::Captured { out, err } => {
                let text = if is_result { out } else { err };
                text.push_str(line);
                text.push('\n');
            }
            Output::Process => {
                // The spinner is on the same terminal: it is removed for the line and drawn again below it.
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
