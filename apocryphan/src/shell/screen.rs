//! Where a shell writes: results to one stream, notes and errors to another.

use std::io::Write;

/// The two streams, and whether the first is still read.
pub(super) struct Screen {
    output: Box<dyn Write + Send>,
    errors: Box<dyn Write + Send>,
    is_closed: bool,
}

impl Screen {
    pub(super) fn new(output: Box<dyn Write + Send>, errors: Box<dyn Write + Send>) -> Self {
        Self {
            output,
            errors,
            is_closed: false,
        }
    }

    /// Whether the reader of the results has gone, as `head` does after its last line.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Writes a result as it is. It is flushed at once, since a program may wait for it before it sends more.
    pub(super) fn result(&mut self, text: &str) {
        let written = self.output.write_all(text.as_bytes());
        self.is_closed |= written.and_then(|()| self.output.flush()).is_err();
    }

    /// Writes anything else as a line.
    pub(super) fn note(&mut self, text: &str) {
        // With the error stream closed there is no place left to report a failure to.
        let _ = writeln!(self.errors, "{text}");
    }

    pub(super) fn error(&mut self, text: &str) {
        self.note(&format!("error: {text}"));
    }
}
