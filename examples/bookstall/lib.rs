//! A stall that sells books: what the web examples serve, whatever their framework.
//!
//! An example is a function that takes a [`Site`], and [`run`] is its `main`: it reads the arguments, prints where the
//! server listens and stops it on ctrl-c, or with `--self-test` calls it over TCP and checks that all is closed.
//!
//! Invariant: no web framework is known here.

mod arguments;
mod calls;
mod check;
mod client;
mod place;
mod site;
mod stall;
mod status;

use std::error::Error;

pub use self::{
    client::Client,
    site::{Ready, Site, Stop, run, tell},
    stall::{Book, Note, Order, add, book, books, note_stock, open, order, remove},
    status::{health, refusal},
};

/// The result of a program that can fail for any reason.
pub type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;
