//! Reads SQL as the databases do: tokens, statements, parameters, and what a statement does to the transaction
//! and the session.
//!
//! It is a crate of its own so that a macro reads SQL at compile time exactly as the library does at run time.
//!
//! Invariant: no input makes it panic, and nothing here talks to a database.

pub mod copy;
mod functions;
pub mod lexer;
pub mod names;
pub mod parameters;
pub mod session;
pub mod statements;
pub mod syntax;
pub mod transaction;
