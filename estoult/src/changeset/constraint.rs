//! Rules that only the database can check: a changeset declares them, and a violation becomes an error of the field.

use crate::{
    changeset::{Changeset, rule::Rule},
    error::ConstraintKind,
    table::{Column, ColumnName, Model},
};

impl<S: Model> Changeset<S> {
    /// Expects a unique constraint on this column; a violation becomes an error with the code `unique`.
    #[must_use]
    pub fn unique<T>(self, column: Column<S, T>) -> Self {
        self.unique_together([column.name()])
    }

    /// Expects a unique constraint on these columns together; the error is that of the first column.
    ///
    /// Without a column it is an error of the kind `Configuration` when the changes are written.
    #[must_use]
    pub fn unique_together(mut self, columns: impl IntoIterator<Item = ColumnName>) -> Self {
        let columns = columns.into_iter().map(|column| column.to_string());
        let columns: Vec<_> = columns.collect();
        match columns.first().cloned() {
            Some(field) => self.rules.push(Rule {
                kind: ConstraintKind::Unique,
                field,
                columns,
                name: None,
            }),
            None => {
                let table = S::table_spec().name();
                let misuse = format!("check that rows of `{table}` are unique: no column is given");
                // The first mistake is the one to fix; the caller gets it when the changes are written.
                self.misuse.get_or_insert(misuse.into());
            }
        }
        self
    }

    /// Expects a foreign key on this column; a violation becomes an error with the code `foreign_key`.
    #[must_use]
    pub fn foreign_key<T>(self, column: Column<S, T>) -> Self {
        self.rule(ConstraintKind::ForeignKey, column, None)
    }

    /// Expects a check constraint of this name; a violation becomes an error with the code `check`.
    #[must_use]
    pub fn check_constraint<T>(self, column: Column<S, T>, name: &str) -> Self {
        self.rule(ConstraintKind::Check, column, Some(name.to_owned()))
    }

    fn rule<T>(mut self, kind: ConstraintKind, column: Column<S, T>, name: Option<String>) -> Self {
        let field = column.name().to_string();
        self.rules.push(Rule {
            kind,
            columns: vec![field.clone()],
            field,
            name,
        });
        self
    }
}
