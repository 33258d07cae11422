//! What can go wrong, told so that a stranger can act on it: one opaque [`Error`] whose [`ErrorKind`] says what the
//! caller can do about it.
//!
//! Invariant: a message never holds a bound value or a password.

use std::{error::Error as StdError, fmt, panic::Location, sync::Arc};

use crate::changeset::FieldError;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure: what was tried, with what, why it failed and what to do.
///
/// ```
/// use estoult::{ErrorKind, Registry};
///
/// let error = Registry::builder("postgres://app:secret@localhost:port/shop").build().unwrap_err();
/// assert!(matches!(error.kind(), ErrorKind::Configuration));
/// assert!(error.to_string().contains("port"));
/// assert!(!error.to_string().contains("secret"));
/// ```
#[derive(Clone)]
pub struct Error(Box<Details>);

#[derive(Clone, Default)]
struct Details {
    kind: ErrorKind,
    message: String,
    code: Option<String>,
    statement: Option<Arc<str>>,
    origin: Option<&'static Location<'static>>,
}

/// What the caller can do about an [`Error`].
#[derive(Debug, Default, Clone, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No row where one was asked for.
    NotFound,
    /// Several rows where one was asked for.
    TooMany,
    /// The changeset breaks rules; each broken rule is a [`FieldError`].
    Invalid(Vec<FieldError>),
    /// A constraint of the database that no changeset claimed.
    Constraint(Constraint),
    /// Somebody else was faster: trying the whole transaction again may succeed.
    Conflict(Conflict),
    /// Something took longer than its limit.
    Timeout,
    /// The database could not be reached, refused the login or went away.
    Connection,
    /// The database does not have what was asked for; nothing was sent.
    Unsupported,
    /// The database, the transaction or the user may only read: the write belongs to another database.
    ReadOnly,
    /// A value read or bound does not fit its type.
    Decode,
    /// The database refused the statement.
    #[default]
    Query,
    /// Settings are wrong or contradict each other.
    Configuration,
}

/// Why a [`ErrorKind::Conflict`] came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conflict {
    /// The transaction could not be serialized with the others.
    Serialization,
    /// The database ended one of several transactions that waited for each other.
    Deadlock,
    /// A lock was not free in time.
    Busy,
    /// The row was changed or deleted since it was read.
    Stale,
}

/// A constraint that a statement broke, as far as the database tells.
///
/// PostgreSQL names constraint and table, MariaDB and MySQL name the constraint or the column, SQLite names the
/// columns of a unique key and says nothing about a foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    /// Which rule was broken.
    pub kind: ConstraintKind,
    /// The constraint's or index's name.
    pub name: Option<String>,
    /// The table it belongs to.
    pub table: Option<String>,
    /// The columns it covers.
    pub columns: Vec<String>,
}

/// The rule that a [`Constraint`] keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConstraintKind {
    /// Two rows with one key.
    Unique,
    /// A key without its row.
    ForeignKey,
    /// A null where none may be.
    NotNull,
    /// A condition that does not hold.
    Check,
    /// An exclusion constraint of PostgreSQL.
    Exclusion,
}

impl fmt::Display for ConstraintKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unique => "unique",
            Self::ForeignKey => "foreign key",
            Self::NotNull => "not null",
            Self::Check => "check",
            Self::Exclusion => "exclusion",
        })
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            kind,
            message: message.into(),
            ..Details::default()
        }))
    }

    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Configuration, message)
    }

    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        let list: Vec<_> = errors.iter().map(ToString::to_string).collect();
        Self::new(
            ErrorKind::Invalid(errors.clone()),
            format!("invalid changes: {}", list.join("; ")),
        )
    }

    pub(crate) fn with_code(mut self, code: impl Into<String>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    pub(crate) fn with_statement(mut self, statement: &Arc<str>) -> Self {
        self.0
            .statement
            .get_or_insert_with(|| Arc::clone(statement));
        self
    }

    pub(crate) fn at(mut self, origin: &'static Location<'static>) -> Self {
        self.0.origin.get_or_insert(origin);
        self
    }

    pub(crate) fn context(mut self, tried: &str) -> Self {
        self.0.message = format!("{tried}: {}", self.0.message);
        self
    }

    /// An error of a program's own, for work inside [`transaction`](crate::Database::transaction) that has to stop.
    ///
    /// ```
    /// let error = estoult::Error::custom("the order is closed");
    /// assert_eq!(error.to_string(), "the order is closed");
    /// ```
    #[must_use]
    pub fn custom(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Query, message)
    }

    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The message alone, without statement and call site.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The database's own code: the SQLSTATE on PostgreSQL, the error number on MySQL, MariaDB and SQLite.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The text of the statement that failed, with placeholders where values were bound.
    #[must_use]
    pub fn statement(&self) -> Option<&str> {
        self.0.statement.as_deref()
    }

    /// Where in the program the statement was asked for.
    #[must_use]
    pub fn origin(&self) -> Option<&'static Location<'static>> {
        self.0.origin
    }

    /// Whether a changeset was refused; [`fields`](Self::fields) tells why.
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Invalid(_))
    }

    /// Whether there was no row where one was asked for.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self.0.kind, ErrorKind::NotFound)
    }

    /// Whether trying the whole transaction again may succeed.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Conflict(_))
    }

    /// The broken rules of a changeset; empty for every other kind.
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        match &self.0.kind {
            ErrorKind::Invalid(errors) => errors,
            _ => &[],
        }
    }

    /// The constraint that was broken, when the kind is [`ErrorKind::Constraint`].
    #[must_use]
    pub fn constraint(&self) -> Option<&Constraint> {
        match &self.0.kind {
            ErrorKind::Constraint(constraint) => Some(constraint),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(statement) = &self.0.statement {
            write!(f, "\n  statement: {}", shorten(statement))?;
        }
        if let Some(origin) = self.0.origin {
            write!(f, "\n  at: {}:{}", origin.file(), origin.line())?;
        }
        Ok(())
    }
}

/// The first 400 characters of a statement: enough to know it again in a log.
fn shorten(statement: &str) -> String {
    match statement.char_indices().nth(400) {
        Some((end, _)) => format!("{} …", &statement[..end]),
        None => statement.to_owned(),
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0.kind {
            ErrorKind::Invalid(_) => "Invalid".to_owned(),
            kind => format!("{kind:?}"),
        };
        write!(f, "{kind}: {self}")
    }
}

impl StdError for Error {}
