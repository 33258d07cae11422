//! [`Origin`]: the part of a statement that a bound value comes from.
//!
//! Invariant: an origin is compared while its statement is borrowed, and is never followed.

use crate::{expr::Node, table::Table, value::Datum};

/// Where a value comes from: a part of the statement's tree by its address, or nothing that could be found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The writer made it of several values.
    Computed,
    Value(usize),
    /// The list that is compared with the node of this address.
    List(usize),
    /// The pattern that is matched with the node of this address.
    Pattern(usize),
    /// LIMIT or OFFSET.
    Rows(usize),
    /// The tenant that restricts the table of this address.
    Tenant(usize),
}

impl Origin {
    pub(super) fn value(datum: &Datum) -> Self {
        Self::Value(std::ptr::from_ref(datum).addr())
    }

    // By the node on the other side, which is a part of one list or pattern only. Texts have no address when they are
    // empty, and a list has that of its first value.
    pub(super) fn list(compared: &Node) -> Self {
        Self::List(std::ptr::from_ref(compared).addr())
    }

    pub(super) fn pattern(matched: &Node) -> Self {
        Self::Pattern(std::ptr::from_ref(matched).addr())
    }

    pub(super) fn rows(number: &u64) -> Self {
        Self::Rows(std::ptr::from_ref(number).addr())
    }

    pub(super) fn tenant(table: &'static Table) -> Self {
        Self::Tenant(std::ptr::from_ref(table).addr())
    }
}
