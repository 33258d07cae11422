//! [`Observed`]: the bracket around one operation. Begun before it and ended after it; dropped in between, it reports
//! that the operation was dropped.

use std::{
    panic::Location,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    event::{Completion, Event, Operation},
    log::Measured,
    observers::Observers,
    timed::TimedSink,
};
use crate::{
    context::Context,
    error::{Error, Result},
    row::Sink,
};

/// An operation that is observed, or that no observer listens to.
// Boxed, since the futures of all operations hold it.
pub(crate) struct Observed(Option<Box<Measurement>>);

struct Measurement {
    observers: Arc<Observers>,
    origin: Option<&'static Location<'static>>,
    operation: Operation,
    /// One text, or those of a pipeline, or none.
    texts: Texts,
    measured: Measured,
    queued: Duration,
    begun: Instant,
}

enum Texts {
    One(Option<Arc<str>>),
    Several(Vec<Arc<str>>),
}

/// What one statement did.
struct Answer<'a> {
    sql: &'a str,
    together: usize,
    decoded: Duration,
    rows: Option<u64>,
    completion: Completion<'a>,
}

impl Texts {
    fn collect(texts: impl IntoIterator<Item = Arc<str>>) -> Self {
        let mut texts = texts.into_iter();
        let first = texts.next();
        match (first, texts.next()) {
            (Some(first), Some(second)) => {
                let several = [first, second].into_iter().chain(texts);
                Self::Several(several.collect())
            }
            (first, _) => Self::One(first),
        }
    }

    fn texts(&self) -> &[Arc<str>] {
        match self {
            Self::One(text) => text.as_slice(),
            Self::Several(texts) => texts,
        }
    }
}

impl Measurement {
    fn tell(&self, took: Duration, answer: Answer<'_>) {
        let (queued, run) = match self.operation {
            Operation::Acquire => (took, Duration::ZERO),
            _ => (self.queued, took.saturating_sub(answer.decoded)),
        };
        self.observers.tell(&Event {
            operation: self.operation,
            database: self.observers.database(),
            origin: self.origin,
            context: &Context::current(),
            sql: answer.sql,
            together: answer.together,
            queued,
            run,
            decoded: answer.decoded,
            rows: answer.rows,
            completion: answer.completion,
        });
    }

    /// Reports the one operation, or each statement of a pipeline, alike.
    fn tell_all(&self, rows: Option<u64>, decoded: Duration, completion: Completion<'_>) {
        let took = self.begun.elapsed();
        let texts = self.texts.texts();
        let answer = |sql| Answer {
            sql,
            together: texts.len().max(1),
            decoded,
            rows,
            completion,
        };
        if texts.is_empty() {
            return self.tell(took, answer(""));
        }
        for text in texts {
            self.tell(took, answer(text));
        }
    }
}

impl Observed {
    /// Nothing is measured.
    #[inline]
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Begins to measure, if an observer listens; only then the texts are made.
    pub(crate) fn begin<T: IntoIterator<Item = Arc<str>>>(
        observers: &Arc<Observers>,
        origin: Option<&'static Location<'static>>,
        operation: Operation,
        texts: impl FnOnce() -> T,
    ) -> Self {
        let Some(measured) = observers.wanted() else {
            return Self::none();
        };
        let texts = Texts::collect(texts());
        if measured == Measured::Slow && texts.texts().is_empty() {
            return Self::none();
        }
        Self(Some(Box::new(Measurement {
            observers: Arc::clone(observers),
            origin,
            operation,
            texts,
            measured,
            queued: Duration::ZERO,
            begun: Instant::now(),
        })))
    }

    /// Notes how long the caller has waited for the connection.
    pub(crate) fn queued(mut self, queued: Duration) -> Self {
        if let Some(measurement) = &mut self.0 {
            measurement.queued = queued;
        }
        self
    }

    /// How long it has taken so far; zero where nothing is measured.
    pub(crate) fn elapsed(&self) -> Duration {
        let measurement = self.0.as_ref();
        measurement.map_or(Duration::ZERO, |measurement| measurement.begun.elapsed())
    }

    /// A sink that is timed, if that is wanted.
    pub(crate) fn timed(&self, sink: Box<dyn Sink>) -> Box<dyn Sink> {
        if self.is_timed() {
            Box::new(TimedSink::new(sink))
        } else {
            sink
        }
    }

    fn is_timed(&self) -> bool {
        let measurement = self.0.as_ref();
        measurement.is_some_and(|measurement| measurement.measured == Measured::All)
    }

    /// Ends it with the outcome, and the number of rows if it says so.
    pub(crate) fn end<T>(
        mut self,
        outcome: Result<T>,
        rows: impl FnOnce(&T) -> Option<u64>,
    ) -> Result<T> {
        if let Some(measurement) = self.0.take() {
            let (rows, completion) = match &outcome {
                Ok(value) => (rows(value), Completion::Done),
                Err(error) => (None, Completion::Failed(error)),
            };
            measurement.tell_all(rows, Duration::ZERO, completion);
        }
        outcome
    }

    /// Ends it with the sink that [`timed`](Self::timed) made.
    pub(crate) fn end_rows(self, outcome: Result<Box<dyn Sink>>) -> Result<Box<dyn Sink>> {
        // Fast path: without a listener nothing is made.
        if self.0.is_none() {
            return outcome;
        }
        let mut outcomes = self.end_all(Ok(vec![outcome]))?;
        outcomes
            .pop()
            .unwrap_or_else(|| Err(Error::internal("an outcome was lost")))
    }

    /// Ends each statement of a pipeline with its own sink, or all with one error.
    pub(crate) fn end_all(
        mut self,
        outcomes: Result<Vec<Result<Box<dyn Sink>>>>,
    ) -> Result<Vec<Result<Box<dyn Sink>>>> {
        let is_timed = self.is_timed();
        let Some(measurement) = self.0.take() else {
            return outcomes;
        };
        let outcomes = match outcomes {
            Ok(outcomes) => outcomes,
            Err(error) => {
                measurement.tell_all(None, Duration::ZERO, Completion::Failed(&error));
                return Err(error);
            }
        };
        let took = measurement.begun.elapsed();
        let texts = measurement.texts.texts();
        let told = outcomes.into_iter().zip(texts).map(|(outcome, sql)| {
            let outcome = outcome.and_then(|sink| match is_timed {
                true => TimedSink::unwrap(sink),
                false => Ok((sink, Duration::ZERO)),
            });
            let (rows, decoded, completion) = match &outcome {
                Ok((sink, decoded)) => (sink.rows(), *decoded, Completion::Done),
                Err(error) => (None, Duration::ZERO, Completion::Failed(error)),
            };
            let together = texts.len();
            measurement.tell(
                took,
                Answer {
                    sql,
                    together,
                    decoded,
                    rows,
                    completion,
                },
            );
            outcome.map(|(sink, _)| sink)
        });
        Ok(told.collect())
    }

    /// Ends it without a report: nothing was sent.
    pub(crate) fn cancel(mut self) {
        self.0 = None;
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        if let Some(measurement) = self.0.take() {
            measurement.tell_all(None, Duration::ZERO, Completion::Dropped);
        }
    }
}
