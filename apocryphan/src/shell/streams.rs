//! Where the program reads and writes, and what interrupts a statement: those of the process, or of a test.

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

/// What the program reads, where it writes, and what interrupts a running statement.
pub struct Streams {
    pub(crate) input: Box<dyn Read + Send>,
    pub(crate) output: Box<dyn Write + Send>,
    pub(crate) errors: Box<dyn Write + Send>,
    pub(crate) interrupts: Interrupts,
    /// Whether a user sits at a terminal.
    pub(crate) is_terminal: bool,
}

/// Gives a future for the next interrupt.
#[derive(Clone)]
pub(crate) struct Interrupts(Arc<dyn Fn() -> Interrupt + Send + Sync>);

impl Interrupts {
    pub(crate) fn next(&self) -> Interrupt {
        (self.0)()
    }

    /// Starts to listen for interrupts, and discards one that came while no statement was running.
    pub(crate) async fn discard_pending(&self) {
        let mut next = self.next();
        // One poll registers the listener or takes the pending interrupt; waiting for the next one is not wanted.
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
    /// The streams of the process, interrupted by Ctrl-C.
    #[must_use]
    pub fn standard() -> Self {
        let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        Self {
            is_terminal,
            ..Self::new(io::stdin(), io::stdout(), io::stderr()).interrupted_by(control_c())
        }
    }

    /// Other streams, without interrupts.
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

    /// Stops the running statement when the future is ready. The closure is called once at the beginning, when a
    /// connection is opened, and for each statement.
    #[must_use]
    pub fn interrupted_by<F: Future<Output = ()> + 'static>(
        mut self,
        next: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        self.interrupts = Interrupts(Arc::new(move || Box::pin(next())));
        self
    }

    /// Writes a line that begins with `error: `.
    pub(crate) fn error(&mut self, text: &str) {
        // With the error stream closed there is no place left to report a failure to.
        let _ = writeln!(self.errors, "error: {text}");
    }
}

/// A wait for Ctrl-C that has begun.
type Listening = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// Gives futures that are ready with the next Ctrl-C.
///
/// 1. Before the first future is polled, Ctrl-C ends the process, as the system has it.
/// 2. With the first poll the process listens, and Ctrl-C does nothing else from then on.
/// 3. A future that is dropped leaves the wait to the next one, which is ready at once after a Ctrl-C in between.
/// 4. Where the system lets no process listen, every future waits forever and Ctrl-C still ends the process.
fn control_c() -> impl Fn() -> Interrupt + Send + Sync {
    let listening: Arc<Mutex<Option<Listening>>> = Arc::default();
    move || {
        let listening = Arc::clone(&listening);
        Box::pin(poll_fn(move |context| {
            let mut listening = listening.lock().unwrap_or_else(PoisonError::into_inner);
            let next = listening.get_or_insert_with(|| Box::pin(tokio::signal::ctrl_c()));
            match next.as_mut().poll(context) {
                // Taken by this statement; the next one waits for another.
                Poll::Ready(Ok(())) => {
                    *listening = None;
                    Poll::Ready(())
                }
                // A future that has returned must not be polled again, so one that never returns takes its place.
                Poll::Ready(Err(_)) => {
                    *listening = Some(Box::pin(std::future::pending()));
                    Poll::Pending
                }
                Poll::Pending => Poll::Pending,
            }
        }))
    }
}
