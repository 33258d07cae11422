//! A broken constraint, as far as the database describes it.

use std::fmt;

/// A constraint that a statement broke, as far as the database describes it.
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
    /// A key that refers to no row.
    ForeignKey,
    /// A null in a column that takes none.
    NotNull,
    /// A condition that does not hold.
    Check,
    /// An exclusion constraint of PostgreSQL.
    Exclusion,
}

impl Constraint {
    /// The broken constraint in words, the same for every backend and without the values that broke it.
    pub(crate) fn describe(&self) -> String {
        let mut text = format!("the {} constraint", self.kind);
        if let Some(name) = &self.name {
            text.push_str(&format!(" `{name}`"));
        }
        if let Some(table) = &self.table {
            text.push_str(&format!(" of table `{table}`"));
        }
        if !self.columns.is_empty() {
            text.push_str(&format!(" on `{}`", self.columns.join("`, `")));
        }
        text.push_str(" is broken");
        text
    }
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
