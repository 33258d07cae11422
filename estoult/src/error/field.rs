//! A broken rule as data: field, code, text and what a translation needs.

use std::{borrow::Cow, fmt};

/// One rule that a changeset breaks.
///
/// The code is for programs and translations, the message for people; neither holds the refused value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    field: Cow<'static, str>,
    code: &'static str,
    message: Cow<'static, str>,
    parameters: Vec<(&'static str, String)>,
}

impl FieldError {
    /// An error of this field: `code` is a word such as `required`, the message reads after the field's name.
    #[must_use]
    pub fn new(
        field: impl Into<Cow<'static, str>>,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            field: field.into(),
            code,
            message: message.into(),
            parameters: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.parameters.push((name, value.to_string()));
        self
    }

    /// The column's name.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// The rule: `cast`, `required`, `length`, `range`, `format`, `inclusion`, `exclusion`, `unique`, `foreign_key`,
    /// `check`, or a program's own.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The text that reads after the field's name: `can't be blank`.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The numbers and words in the message, for translations.
    #[must_use]
    pub fn parameters(&self) -> &[(&'static str, String)] {
        &self.parameters
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.message)
    }
}
