//! Statements as untyped trees: what they read or write, from where, and under which conditions.
//!
//! Invariant: no SQL text here, and nothing that differs between databases.

mod route;
mod select;
mod write;

pub(crate) use self::{
    route::Route,
    select::{Select, Source},
    write::{Insert, Update, by_key, column},
};
