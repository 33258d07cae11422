//! Mistakes in the options behind the `?` of a URL, all of them in one error.
//!
//! Invariant: an option is named, its value never shown.

use std::collections::HashSet;

use crate::error::{Error, Result};

/// An option with a value that it does not take.
pub(crate) fn choice(name: &str, known: &str) -> String {
    format!("option `{name}` takes {known}")
}

/// An option that is not known.
pub(crate) fn unknown(name: &str, known: &str) -> String {
    format!("unknown option `{name}` (known: {known})")
}

/// Options that are given twice, of which each value would be as right as the other.
pub(crate) fn repeated<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<String> {
    let mut seen = HashSet::new();
    let repeated = names.into_iter().filter(|name| !seen.insert(*name));
    let mut problems: Vec<_> = repeated
        .map(|name| format!("option `{name}` is given more than once"))
        .collect();
    problems.dedup();
    problems
}

/// The error for these mistakes, if there are any.
pub(crate) fn refuse(scheme: &str, problems: Vec<String>) -> Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::configuration(format!(
        "read a {scheme} URL: {}",
        problems.join("; ")
    )))
}
