//! The rules of CONTRIBUTING.md that a program can check: one test a rule, which names every offender and the remedy.
//!
//! A rule that costs more than it gives is changed in CONTRIBUTING.md first, then here, then in the code.

mod documents;
mod imports;
mod layout;
mod source;
mod words;

use std::fmt::Display;

/// What breaks one rule.
#[derive(Debug, Default)]
struct Offences(Vec<String>);

impl Offences {
    fn add(&mut self, path: &str, line: usize, what: impl Display) {
        self.0.push(format!("{path}:{line}: {what}"));
    }

    /// Something that is not of one line.
    fn add_whole(&mut self, path: &str, what: impl Display) {
        self.0.push(format!("{path}: {what}"));
    }

    /// Fails with all offenders and the remedy, if there is an offender.
    #[track_caller]
    fn refuse(self, rule: &str, remedy: &str) {
        let Self(offences) = self;
        assert!(
            offences.is_empty(),
            "{rule}\n\n  {}\n\n{} in all. Remedy: {remedy}\n",
            offences.join("\n  "),
            offences.len()
        );
    }
}
