//! Where the program reads and writes, and what interrupts a statement: the process's own, or a test's.

use std::{
    fmt,
    future::{Future, poll_fn},
    io::{self, IsTerminal, Read, Write},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

/// Ready when the running statement is to be stopped.
type Interrupt = Pin<Box<dyn Future<Output = ()>>>;

/// What the program reads, where it writes, and what interrupts a statement that runs.
pub struct Streams {
    pub(crate) input: Box<dyn Read + Send>,
    pub(crate) output: Box<dyn Write + Send>,
    pub(crate) errors: Box<dyn Write + Send>,
    pub(crate) interrupts: Interrupts,
    /// Whether a person sits there.
    pub(crate) is_terminal: bool,
}

/// Gives a future for the next interrupt.
#[derive(Clone)]
pub(crate) struct Interrupts(Arc<dyn Fn() -> Interrupt + Send + Sync>);

impl Interrupts {
    pub(crate) fn next(&self) -> Interrupt {
        (self.0)()
    }

    /// Begins to listen for interrupts, and forgets one that came while nothing ran.
    pub(crate) async fn forget(&self) {
        let mut next = self.next();
        poll_fn(|context| {
            let _ = next.as_mut().poll(context);
            Poll::Ready(())
        })
        .await;
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams")
            .field("is_terminal", &self.is_terminal)
            .finish_non_exhaustive()
    }
}

impl Streams {
    /// The streams of the process; Ctrl-C interrupts.
    #[must_use]
    pub fn standard() -> Self {
        let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        Self {
            is_terminal,
            ..Self::new(io::stdin(), io::stdout(), io::stderr()).interrupted_by(control_c())
        }
    }

    /// Other streams, which nothing interrupts.
    ///
    /// ```
    /// use apocryphan::program::{self, Streams};
    ///
    /// let streams = Streams::new("select 1;".as_bytes(), std::io::sink(), std::io::sink());
    /// assert_eq!(program::run(["estoult", "shell", "--url", "sqlite::memory:"], streams), 0);
    /// ```
    #[must_use]
    pub fn new(
        input: impl Read + Send + 'static,
        output: impl Write + Send + 'static,
        errors: impl Write + Send + 'static,
    ) -> Self {
        Self {
            input: Box::new(input),
            output: Box::new(output),
            errors: Box::new(errors),
            interrupts: Interrupts(Arc::new(|| Box::pin(std::future::pending()))),
            is_terminal: false,
        }
    }

    /// Stops the running statement when the future is ready; it is asked for once at the beginning, when a connection
    /// is opened, and with each statement.
    #[must_use]
    pub fn interrupted_by<F: Future<Output = ()> + 'static>(
        mut self,
        next: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        self.interrupts = Interrupts(Arc::new(move || Box::pin(next())));
        self
    }
}

/// Gives futures that are ready with the next Ctrl-C, also one that was pressed between two of them. Where none can be
/// waited for, it ends the process as ever.
fn control_c() -> impl Fn() -> Interrupt + Send + Sync {
    let listening: Arc<Mutex<Option<Listening>>> = Arc::default();
    move || {
        let listening = Arc::clone(&listening);
        Box::pin(poll_fn(move |context| {
            let mut listening = listening.lock().unwrap_or_else(PoisonError::into_inner);
            let next = listening.get_or_insert_with(|| Box::pin(tokio::signal::ctrl_c()));
            match next.as_mut().poll(context) {
                Poll::Ready(Ok(())) => {
                    *listening = None;
                    Poll::Ready(())
                }
                Poll::Ready(Err(_)) => {
                    *listening = Some(Box::pin(std::future::pending()));
                    Poll::Pending
                }
                Poll::Pending => Poll::Pending,
            }
        }))
    }
}

/// Waits for Ctrl-C, once it was asked; kept from statement to statement.
type Listening = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// Where results and complaints are written.
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

    /// Whether nobody reads the results any more.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// A result, as it is.
    pub(super) fn result(&mut self, text: &str) {
        let written = self.output.write_all(text.as_bytes());
        self.is_closed |= written.and_then(|()| self.output.flush()).is_err();
    }

    /// Anything else, as a line.
    pub(super) fn note(&mut self, text: &str) {
        // Whoever does not listen to complaints has nobody to complain to.
        let _ = writeln!(self.errors, "{text}");
    }

    pub(super) fn error(&mut self, text: &str) {
        self.note(&format!("error: {text}"));
    }
}
