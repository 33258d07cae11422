//! Everything that can fail does so with one opaque [`Error`]: its message says what to do about the failure, its
//! [`ErrorKind`] what a program can do about it.
//!
//! Invariant: no message, and no source behind it, holds a password, or a bound value of more than a few characters.

mod constraint;
mod database;
mod field;

use std::{error::Error as StdError, fmt, panic::Location, sync::Arc};

pub use self::{
    constraint::{Constraint, ConstraintKind},
    database::DatabaseError,
    field::FieldError,
};

/// Where users report a fault of estoult.
const ISSUES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/issues");
/// How much of a statement is shown: enough to recognize it in a log.
const STATEMENT_SHOWN: usize = 400;
/// How much of the word at a position is shown.
const WORD_SHOWN: usize = 40;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure: what was tried, with what, why it failed and what to do.
///
/// Its [source](StdError::source) is the cause: the [`std::io::Error`] of a connection that failed, or the
/// [`DatabaseError`] that a database answered. Clones share it.
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
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What the caller can do about an [`Error`].
#[derive(Debug, Default, Clone, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No row where the program asked for one.
    NotFound,
    /// Several rows where the program asked for one.
    TooMany,
    /// The changeset breaks rules; each broken rule is a [`FieldError`].
    Invalid(Vec<FieldError>),
    /// A statement broke a constraint of the database that no changeset names.
    Constraint(Constraint),
    /// Another transaction came first: running the whole transaction again may succeed.
    Conflict(Conflict),
    /// Something took longer than its limit.
    Timeout,
    /// The database could not be reached, refused the login or went away.
    Connection,
    /// The connection was lost before COMMIT was answered: whether the transaction took effect is not known. Read what
    /// it wrote before running it again.
    CommitUnknown,
    /// The database lacks what the program asked for; nothing was sent.
    Unsupported,
    /// The database, the transaction or the user may only read: write to another database.
    ReadOnly,
    /// A value that was read or bound does not fit its type.
    Decode,
    /// The database refused the statement.
    #[default]
    Query,
    /// Settings are wrong or contradict each other.
    Configuration,
    /// A fault in estoult itself: it reached a state that it holds to be impossible. Please report it.
    Internal,
}

/// The reason for an [`ErrorKind::Conflict`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conflict {
    /// The database could not serialize the transaction with the others.
    Serialization,
    /// Transactions waited for each other, and the database ended one of them.
    Deadlock,
    /// Another transaction held a lock for too long.
    Busy,
    /// The row was changed or deleted after the program had read it.
    Stale,
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

    /// A fault in estoult itself: `impossible` describes the broken invariant: "a table without columns was rendered".
    #[doc(hidden)]
    #[must_use]
    pub fn internal(impossible: impl fmt::Display) -> Self {
        let message = format!("{impossible}; this is a fault in estoult: report it at {ISSUES}");
        Self::new(ErrorKind::Internal, message)
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

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// The error for an answer of a database, whose code it takes.
    pub(crate) fn answered(
        kind: ErrorKind,
        message: impl Into<String>,
        answer: DatabaseError,
    ) -> Self {
        let code = answer.code.clone();
        Self::new(kind, message).with_code(code).with_source(answer)
    }

    /// The same failure, with code and source, as another kind in other words.
    pub(crate) fn reported_as(mut self, kind: ErrorKind, message: impl Into<String>) -> Self {
        self.0.kind = kind;
        self.0.message = message.into();
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

    /// The same with the message of the failure that it follows from.
    pub(crate) fn caused_by(mut self, cause: &str) -> Self {
        self.0.message = format!("{} (it failed with: {cause})", self.0.message);
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

    /// What the caller can do about the failure.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The message alone, without statement and call site.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The database's code: the SQLSTATE on PostgreSQL, the error number on MySQL, MariaDB and SQLite.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The text of the statement that failed, with placeholders where values were bound.
    #[must_use]
    pub fn statement(&self) -> Option<&str> {
        self.0.statement.as_deref()
    }

    /// What the database answered, when it did: the source of this error, with further fields of PostgreSQL.
    #[must_use]
    pub fn database_error(&self) -> Option<&DatabaseError> {
        self.source()?.downcast_ref()
    }

    /// PostgreSQL's DETAIL, facts that its message leaves out, without the values of rows:
    /// `Key (email)=(…) already exists.`
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.database_error()?.detail()
    }

    /// PostgreSQL's HINT: what the database suggests to do.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.database_error()?.hint()
    }

    /// The character of the [statement](Self::statement) at which PostgreSQL or SQLite found the mistake; the first
    /// character is 1.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> estoult::Result<()> {
    /// let db = estoult::Database::builder("sqlite::memory:").build()?;
    /// # let _lifespan = db.connect().await?;
    /// let error = estoult::sql("select titel from (select 1 as title)").execute(&db).await.unwrap_err();
    /// assert_eq!(error.position(), Some(8));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn position(&self) -> Option<usize> {
        self.database_error()?.position()
    }

    /// The place in the program that asked for the statement.
    #[must_use]
    pub fn origin(&self) -> Option<&'static Location<'static>> {
        self.0.origin
    }

    /// Whether a changeset was refused; [`fields`](Self::fields) says why.
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Invalid(_))
    }

    /// Whether there was no row where the program asked for one.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self.0.kind, ErrorKind::NotFound)
    }

    /// Whether running the whole transaction again may succeed.
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

    /// The constraint that the statement broke, when the kind is [`ErrorKind::Constraint`].
    #[must_use]
    pub fn constraint(&self) -> Option<&Constraint> {
        match &self.0.kind {
            ErrorKind::Constraint(constraint) => Some(constraint),
            _ => None,
        }
    }
}

impl Error {
    /// The word of the statement that begins at this character; `None` where there is none.
    fn word_at(&self, position: usize) -> Option<String> {
        let statement = self.statement()?;
        let (start, first) = statement.char_indices().nth(position.checked_sub(1)?)?;
        if first.is_whitespace() {
            return None;
        }
        let rest = &statement[start..];
        let is_part = |character: char| character.is_alphanumeric() || "_.$".contains(character);
        let end = rest.find(|character| !is_part(character));
        let end = end.unwrap_or(rest.len()).max(first.len_utf8());
        Some(shortened(&rest[..end], WORD_SHOWN))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(statement) = &self.0.statement {
            write!(
                f,
                "\n  statement: {}",
                shortened(statement, STATEMENT_SHOWN)
            )?;
        }
        if let Some(position) = self.position()
            && let Some(word) = self.word_at(position)
        {
            write!(f, "\n  position: {position}, at `{word}`")?;
        }
        if let Some(hint) = self.hint() {
            write!(f, "\n  hint: {hint}")?;
        }
        if let Some(origin) = self.0.origin {
            write!(f, "\n  at: {}:{}", origin.file(), origin.line())?;
        }
        Ok(())
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

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source: &(dyn StdError + 'static) = self.0.source.as_deref()?;
        Some(source)
    }
}

fn shortened(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}
