//! [`Observer`]: gets an [`Event`] for each statement, acquire, connect, and step of a transaction.
//!
//! Invariant: an event has texts with placeholders, never a bound value; and nothing is measured while no observer
//! listens.

mod caller;
mod event;
mod log;
mod observed;
mod observer;
mod observers;
mod timed;

pub use self::{
    caller::Caller,
    event::{Completion, Event, Operation},
    observer::Observer,
};
pub(crate) use self::{observed::Observed, observers::Observers};
