//! [`Rule`]: a constraint that a changeset expects, and how to recognise it in the error of a database.
//!
//! Invariant: nothing is asked of a database here; the error alone decides.

use crate::{
    error::{Constraint, ConstraintKind, FieldError},
    table::Table,
};

/// A constraint of the database that a changeset expects.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) kind: ConstraintKind,
    /// The field that gets the error.
    pub(crate) field: String,
    /// The columns it covers.
    pub(crate) columns: Vec<String>,
    pub(crate) name: Option<String>,
}

/// The field's error for a violated constraint, if a rule expects it or it is NOT NULL of a column.
pub(crate) fn field_error(
    constraint: &Constraint,
    rules: &[Rule],
    table: &Table,
) -> Option<FieldError> {
    if constraint.kind == ConstraintKind::NotNull {
        let column = constraint.columns.first()?;
        table.find(column)?;
        return Some(FieldError::new(
            column.clone(),
            "required",
            "can't be blank",
        ));
    }
    let same_kind: Vec<_> = rules
        .iter()
        .filter(|rule| rule.kind == constraint.kind)
        .collect();
    // An exact match comes first: the name of one constraint may contain the columns of several rules.
    let exact = same_kind
        .iter()
        .find(|rule| rule.is_exactly(constraint, table));
    let named = || same_kind.iter().find(|rule| rule.is_named_in(constraint));
    exact.or_else(named).map(|rule| rule.error())
}

impl Rule {
    /// The field's error when the constraint is violated.
    pub(crate) fn error(&self) -> FieldError {
        let (code, message) = match self.kind {
            ConstraintKind::Unique => ("unique", "has already been taken"),
            ConstraintKind::ForeignKey => ("foreign_key", "does not exist"),
            ConstraintKind::NotNull => ("required", "can't be blank"),
            ConstraintKind::Check => ("check", "is invalid"),
            ConstraintKind::Exclusion => ("exclusion", "conflicts with another row"),
        };
        FieldError::new(self.field.clone(), code, message)
    }

    /// Whether the database reports the same columns, or the name of this very constraint.
    fn is_exactly(&self, constraint: &Constraint, table: &Table) -> bool {
        let mut wanted = self.columns.clone();
        let mut found = constraint.columns.clone();
        wanted.sort();
        found.sort();
        if !found.is_empty() && self.name.is_none() && wanted == found {
            return true;
        }
        let Some(name) = &constraint.name else {
            return false;
        };
        if let Some(wanted) = &self.name {
            return wanted == name;
        }
        // The names that databases give by default: MySQL names a unique key after its first column and the primary key
        // `PRIMARY`, PostgreSQL them `table_columns_key` and `table_pkey` (manuals, "CREATE TABLE").
        let is_key = table
            .key()
            .map(|column| &*column.name)
            .eq(self.columns.iter());
        let joined = self.columns.join("_");
        *name == joined
            || Some(name) == self.columns.first()
            || *name == format!("{}_{joined}_key", table.name())
            || (is_key && (name == "PRIMARY" || *name == format!("{}_pkey", table.name())))
    }

    /// Whether the database reports a name only, which contains each column.
    fn is_named_in(&self, constraint: &Constraint) -> bool {
        constraint.columns.is_empty()
            && self.name.is_none()
            && constraint.name.as_deref().is_some_and(|name| {
                self.columns
                    .iter()
                    .all(|column| name.contains(column.as_str()))
            })
    }
}
