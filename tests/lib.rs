//! The suite of estoult and apocryphan: what a user can see, on every backend.

#[cfg(test)]
mod support;

#[cfg(test)]
mod suite;

#[cfg(test)]
mod sql;
