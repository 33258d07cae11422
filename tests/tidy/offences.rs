//! What breaks a rule, collected so that one test names all of it.

use std::fmt::Display;

/// What breaks one rule.
#[derive(Debug, Default)]
pub(crate) struct Offences(Vec<String>);

impl Offences {
    pub(crate) fn add(&mut self, path: &str, line: usize, what: impl Display) {
        self.0.push(format!("{path}:{line}: {what}"));
    }

    /// Something that is not of one line.
    pub(crate) fn add_whole(&mut self, path: &str, what: impl Display) {
        self.0.push(format!("{path}: {what}"));
    }

    /// Fails with all offenders and the remedy, if there is an offender.
    #[track_caller]
    pub(crate) fn refuse(self, rule: &str, remedy: &str) {
        let Self(offences) = self;
        assert!(
            offences.is_empty(),
            "{rule}\n\n  {}\n\n{} in all. Remedy: {remedy}\n",
            offences.join("\n  "),
            offences.len()
        );
    }
}
