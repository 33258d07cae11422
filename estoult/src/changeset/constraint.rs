//! The rules that only the database can keep: a changeset names them, and a broken one becomes an error of its field.

use crate::{
    changeset::{Changeset, FieldError},
    error::{Constraint, ConstraintKind},
    schema::{Column, ColumnName, Schema, Table},
};

/// A constraint of the database that a changeset expects.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) kind: ConstraintKind,
    /// The columns it covers; the first is the field that gets the error.
    pub(crate) columns: Vec<String>,
    pub(crate) name: Option<String>,
}

impl<S: Schema> Changeset<S> {
    /// No other row has this value; a broken constraint becomes an error with the code `unique`.
    #[must_use]
    pub fn unique<T>(self, column: Column<S, T>) -> Self {
        self.unique_together([column.name()])
    }

    /// No other row has these values together; the error is the first column's.
    #[must_use]
    pub fn unique_together(mut self, columns: impl IntoIterator<Item = ColumnName>) -> Self {
        let columns = columns
            .into_iter()
            .map(|column| column.to_string())
            .collect();
        self.rules.push(Rule {
            kind: ConstraintKind::Unique,
            columns,
            name: None,
        });
        self
    }

    /// The row that this column refers to exists; a broken constraint becomes an error with the code `foreign_key`.
    #[must_use]
    pub fn foreign_key<T>(mut self, column: Column<S, T>) -> Self {
        let columns = vec![column.name().to_string()];
        self.rules.push(Rule {
            kind: ConstraintKind::ForeignKey,
            columns,
            name: None,
        });
        self
    }

    /// The check constraint of this name holds; a broken one becomes an error with the code `check`.
    #[must_use]
    pub fn check_constraint<T>(mut self, column: Column<S, T>, name: &str) -> Self {
        let columns = vec![column.name().to_string()];
        self.rules.push(Rule {
            kind: ConstraintKind::Check,
            columns,
            name: Some(name.to_owned()),
        });
        self
    }
}

/// The field's error for a broken constraint, when one of the rules expects it or it says that a column is NULL.
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
    let exact = same_kind
        .iter()
        .find(|rule| rule.is_exactly(constraint, table));
    let named = || same_kind.iter().find(|rule| rule.is_named_in(constraint));
    exact.or_else(named).map(|rule| rule.error())
}

impl Rule {
    /// The field's error when the rule is broken.
    pub(crate) fn error(&self) -> FieldError {
        let (code, message) = match self.kind {
            ConstraintKind::Unique => ("unique", "has already been taken"),
            ConstraintKind::ForeignKey => ("foreign_key", "does not exist"),
            ConstraintKind::NotNull => ("required", "can't be blank"),
            ConstraintKind::Check => ("check", "is invalid"),
            ConstraintKind::Exclusion => ("exclusion", "conflicts with another row"),
        };
        let field = self.columns.first().cloned().unwrap_or_default();
        FieldError::new(field, code, message)
    }

    /// The database names the same columns or the very constraint.
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

    /// The database gives a name only, and each column stands in it.
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
