//! Programs that must not compile, one for each mistake, named like the sentence that fails; beside each of them is
//! the message that a user gets.
//!
//! Written anew after a change with `TRYBUILD=overwrite cargo test -p estoult-ui-tests`.

#[cfg(test)]
mod tests;
