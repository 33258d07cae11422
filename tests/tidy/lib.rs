//! The rules of CONTRIBUTING.md that a program can check: one test a rule, which names every offender and the remedy.
//!
//! A rule that costs more than it gives is changed in CONTRIBUTING.md first, then here, then in the code.

#[cfg(test)]
mod documents;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod layout;
#[cfg(test)]
mod offences;
#[cfg(test)]
mod sizes;
#[cfg(test)]
mod source;
#[cfg(test)]
mod verbs;
#[cfg(test)]
mod vocabulary;
#[cfg(test)]
mod words;
