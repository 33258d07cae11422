//! What a test's own code tells through `tracing`, as lines of text.

use std::{
    fmt::{Debug, Write},
    sync::{Arc, Mutex},
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

/// Collects what a thread tells; set it with `tracing::subscriber::with_default`.
#[derive(Debug, Clone)]
pub(crate) struct Capture {
    level: Level,
    with_statements: bool,
    lines: Arc<Mutex<Vec<String>>>,
}

/// Collects warnings.
impl Default for Capture {
    fn default() -> Self {
        Self::of(Level::WARN)
    }
}

impl Capture {
    /// Collects what is logged at this level or a more important one, but for statements.
    pub(crate) fn of(level: Level) -> Self {
        Self {
            level,
            with_statements: false,
            lines: Arc::default(),
        }
    }

    /// Collects statements, too.
    pub(crate) fn and_statements(self) -> Self {
        Self {
            with_statements: true,
            ..self
        }
    }

    /// The lines so far: `message; field=value; …`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}{}", self.0);
        } else {
            let _ = write!(self.0, "; {}={value:?}", field.name());
        }
    }
}

impl Subscriber for Capture {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let is_wanted = self.with_statements || metadata.target() != "estoult::sql";
        *metadata.level() <= self.level && metadata.target().starts_with("estoult") && is_wanted
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.lines.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
