//! [`TimedSink`]: measures how long another sink takes to decode its rows.

use std::{
    any::Any,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, Result},
    row::{Cells, Sink},
};

/// A sink whose rows are timed.
pub(super) struct TimedSink {
    sink: Box<dyn Sink>,
    decoded: Duration,
}

impl TimedSink {
    pub(super) fn new(sink: Box<dyn Sink>) -> Self {
        let decoded = Duration::ZERO;
        Self { sink, decoded }
    }

    /// The sink itself, and how long it took.
    pub(super) fn unwrap(sink: Box<dyn Sink>) -> Result<(Box<dyn Sink>, Duration)> {
        match sink.into_any().downcast::<Self>() {
            Ok(timed) => Ok((timed.sink, timed.decoded)),
            Err(_) => Err(Error::internal(
                "time the rows of a statement: the session handed back another sink",
            )),
        }
    }
}

impl Sink for TimedSink {
    fn row(&mut self, cells: &dyn Cells) -> Result<()> {
        let begun = Instant::now();
        let taken = self.sink.row(cells);
        self.decoded += begun.elapsed();
        taken
    }

    fn restart(&mut self) {
        self.sink.restart();
    }

    fn wants_columns(&self) -> bool {
        self.sink.wants_columns()
    }

    fn columns(&mut self, names: Vec<String>) {
        self.sink.columns(names);
    }

    fn affected(&mut self, rows: u64) {
        self.sink.affected(rows);
    }

    fn rows(&self) -> Option<u64> {
        self.sink.rows()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}
