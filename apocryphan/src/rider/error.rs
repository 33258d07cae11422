//! The errors of rider, by what the caller can do about them.

use std::{error, fmt};

use apocryphan_migration::Problems;

use super::failure::Failure;

/// The result of what can fail in this module.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of rider: what was tried, why it failed and what to do next.
#[derive(derive_more::Display)]
#[display("{}", _0.message)]
pub struct Error(Box<Details>);

struct Details {
    kind: ErrorKind,
    message: String,
    source: Option<estoult::Error>,
}

/// What the caller can do about an [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument or a setting is wrong.
    Usage,
    /// Migration files are wrong; the problems list all mistakes.
    Files(Problems),
    /// The migrations have no order: duplicate ids, unknown dependencies, cycles.
    Graph(Problems),
    /// A statement or a function of a migration failed.
    Migration(Box<Failure>),
    /// Another run held the lock for longer than the wait.
    Lock,
    /// The history in the database and the migrations do not belong together.
    History,
    /// The request would lose something, or seem to do something and do nothing.
    Refused,
    /// The database could not be used; the source says why.
    Database,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            kind,
            message: message.into(),
            source: None,
        }))
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    pub(crate) fn files(problems: Problems) -> Self {
        let message = format!("the migrations cannot be read:\n{problems}");
        Self::new(ErrorKind::Files(problems), message)
    }

    pub(crate) fn graph(problems: Problems) -> Self {
        let message = format!("the migrations have no order:\n{problems}");
        Self::new(ErrorKind::Graph(problems), message)
    }

    pub(crate) fn migration(failure: Failure) -> Self {
        // Rendered now, so that a program that only prints the error shows all of it.
        let message = failure.to_string();
        Self::new(ErrorKind::Migration(Box::new(failure)), message)
    }

    /// An error of the database outside of the statements of a migration.
    pub(crate) fn database(tried: &str, source: estoult::Error) -> Self {
        let message = format!("{tried}: {}", source.message());
        Self(Box::new(Details {
            kind: ErrorKind::Database,
            message,
            source: Some(source),
        }))
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The step that failed, when a migration did.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.0.kind {
            ErrorKind::Migration(failure) => Some(failure),
            _ => None,
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0.kind {
            ErrorKind::Files(_) => "Files".to_owned(),
            ErrorKind::Graph(_) => "Graph".to_owned(),
            ErrorKind::Migration(_) => "Migration".to_owned(),
            kind => format!("{kind:?}"),
        };
        write!(f, "{kind}: {self}")
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match (&self.0.source, &self.0.kind) {
            (Some(source), _) => Some(source),
            (None, ErrorKind::Migration(failure)) => Some(failure.error()),
            (None, _) => None,
        }
    }
}
