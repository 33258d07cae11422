//! Rules that need no database. Each validates the changes only, so that old data is not validated again; `required`
//! looks at the resulting row.

use std::{borrow::Cow, fmt::Display, ops::Bound, ops::RangeBounds};

use regex_lite::Regex;

use crate::{
    changeset::Changeset,
    error::FieldError,
    table::{Column, Model},
    value::{Datum, IntoValue, Text, Value},
};

impl<S: Model> Changeset<S> {
    /// The column will have a value: neither NULL nor blank text.
    #[must_use]
    pub fn required<T: Value>(mut self, column: Column<S, T>) -> Self {
        let name = column.name().to_string();
        let is_present = match self.datum(&name) {
            None | Some(Datum::Null(_)) => false,
            Some(Datum::Text(text)) => !text.trim().is_empty(),
            Some(_) => true,
        };
        // Input that `cast` could not read has an error already; it is not missing.
        let is_known = self.errors.iter().any(|error| error.field() == name);
        if !is_present && !is_known {
            self.errors
                .push(FieldError::new(name, "required", "can't be blank"));
        }
        self
    }

    /// The text has at most this many characters.
    #[must_use]
    pub fn max_length<T: Text>(self, column: Column<S, T>, characters: usize) -> Self {
        self.length(column, ..=characters)
    }

    /// The text has at least this many characters.
    #[must_use]
    pub fn min_length<T: Text>(self, column: Column<S, T>, characters: usize) -> Self {
        self.length(column, characters..)
    }

    /// The text has a number of characters in this range.
    #[must_use]
    pub fn length<T: Text>(
        mut self,
        column: Column<S, T>,
        characters: impl RangeBounds<usize>,
    ) -> Self {
        if let Some((name, Datum::Text(text))) = self.changed(column)
            && !characters.contains(&text.chars().count())
        {
            let message = format!("must have {} characters", describe(&characters));
            self.errors.push(with_bounds(
                FieldError::new(name, "length", message),
                &characters,
            ));
        }
        self
    }

    /// The value is in this range.
    #[must_use]
    pub fn range<T>(mut self, column: Column<S, T>, range: impl RangeBounds<T::Plain>) -> Self
    where
        T: Value<Plain: PartialOrd + Display>,
    {
        if let Some((name, datum)) = self.changed(column)
            && let Ok(value) = T::Plain::from_datum(datum.as_ref())
            && !range.contains(&value)
        {
            let message = format!("must be {}", describe(&range));
            self.errors
                .push(with_bounds(FieldError::new(name, "range", message), &range));
        }
        self
    }

    /// The text matches this regular expression somewhere; begin it with `^` and end it with `$` to match it all.
    ///
    /// A pattern that is no regular expression is an error of the kind `Configuration` when the changes are written.
    #[must_use]
    pub fn format<T: Text>(mut self, column: Column<S, T>, pattern: &str) -> Self {
        let name = column.name().to_string();
        // Compiled without a change as well, so that a wrong pattern shows in the first run.
        match Regex::new(pattern) {
            Err(error) => {
                let message = format!("check the format of `{name}`: {error}");
                self.misuse.get_or_insert(message.into());
            }
            Ok(regex) => {
                if let Some((name, Datum::Text(text))) = self.changed(column)
                    && !regex.is_match(&text)
                {
                    self.errors
                        .push(FieldError::new(name, "format", "has the wrong format"));
                }
            }
        }
        self
    }

    /// The value is one of these.
    #[must_use]
    pub fn inclusion<T: Value>(
        mut self,
        column: Column<S, T>,
        allowed: impl IntoIterator<Item = impl IntoValue<T>>,
    ) -> Self {
        if let Some((name, datum)) = self.changed(column)
            // Compared as datums, so that a type needs no `PartialEq`.
            && !allowed
                .into_iter()
                .any(|value| value.into_value().to_datum() == datum)
        {
            self.errors.push(FieldError::new(
                name,
                "inclusion",
                "is not one of the allowed values",
            ));
        }
        self
    }

    /// The value is none of these.
    #[must_use]
    pub fn exclusion<T: Value>(
        mut self,
        column: Column<S, T>,
        reserved: impl IntoIterator<Item = impl IntoValue<T>>,
    ) -> Self {
        if let Some((name, datum)) = self.changed(column)
            && reserved
                .into_iter()
                .any(|value| value.into_value().to_datum() == datum)
        {
            self.errors
                .push(FieldError::new(name, "exclusion", "is reserved"));
        }
        self
    }

    /// A custom rule for a column that changes; the message continues the field's name.
    ///
    /// ```
    /// use estoult::Schema;
    ///
    /// #[derive(Debug, Clone, Schema)]
    /// struct Book { id: i64, year: i32 }
    ///
    /// let changeset = Book::changeset().put(Book::year, 2999).validate(Book::year, |year| {
    ///     if *year > 2100 { Err("lies in the future".into()) } else { Ok(()) }
    /// });
    /// assert_eq!(changeset.errors()[0].to_string(), "year lies in the future");
    /// ```
    #[must_use]
    pub fn validate<T: Value>(
        mut self,
        column: Column<S, T>,
        rule: impl FnOnce(&T) -> Result<(), Cow<'static, str>>,
    ) -> Self {
        if let Some(datum) = self.changes.get(&column.name().to_string())
            // NULL in a column that is not nullable can't be read; `required` reports it.
            && let Ok(value) = T::from_datum(datum.as_ref())
            && let Err(message) = rule(&value)
        {
            self.errors.push(FieldError::new(
                column.name().to_string(),
                "custom",
                message,
            ));
        }
        self
    }

    /// The changed value of a column, unless it is NULL.
    fn changed<T: Value>(&self, column: Column<S, T>) -> Option<(String, Datum)> {
        let name = column.name().to_string();
        let datum = self
            .changes
            .get(&name)
            .filter(|datum| !datum.is_null())?
            .clone();
        Some((name, datum))
    }
}

/// The range in words, to follow "must be" or "must have".
fn describe<T: Display>(range: &impl RangeBounds<T>) -> String {
    match (range.start_bound(), range.end_bound()) {
        (Bound::Unbounded, Bound::Unbounded) => "any number of".to_owned(),
        (Bound::Unbounded, Bound::Included(end)) => format!("at most {end}"),
        (Bound::Unbounded, Bound::Excluded(end)) => format!("less than {end}"),
        (Bound::Included(start), Bound::Unbounded) => format!("at least {start}"),
        (Bound::Excluded(start), Bound::Unbounded) => format!("more than {start}"),
        (Bound::Included(start), Bound::Included(end)) => format!("from {start} to {end}"),
        (start, end) => {
            let words = [
                (start, "more than", "at least"),
                (end, "less than", "at most"),
            ];
            let parts = words.iter().map(|(bound, outside, inside)| match bound {
                Bound::Included(value) => format!("{inside} {value}"),
                Bound::Excluded(value) => format!("{outside} {value}"),
                Bound::Unbounded => String::new(),
            });
            parts.collect::<Vec<_>>().join(" and ")
        }
    }
}

/// Adds the bounds as parameters, so that a program can translate the message.
fn with_bounds<T: Display>(mut error: FieldError, range: &impl RangeBounds<T>) -> FieldError {
    if let Bound::Included(start) | Bound::Excluded(start) = range.start_bound() {
        error = error.with("min", start);
    }
    if let Bound::Included(end) | Bound::Excluded(end) = range.end_bound() {
        error = error.with("max", end);
    }
    error
}
