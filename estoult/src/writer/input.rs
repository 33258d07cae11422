//! [`Input`]: a part of a statement's tree that becomes a value.
//!
//! Invariant: a value is made as the writer makes it, and never without the checks that the writer makes.

use super::{
    limits::is_storable,
    origin::Origin,
    pattern::{bound_pattern, is_read_whole, match_style},
};
use crate::{
    backend::Features,
    expr::Node,
    table::Table,
    value::{Datum, Kind},
};

/// What becomes a value.
pub(super) enum Input<'a> {
    Value(&'a Datum),
    /// A list that is one parameter, and the node that is compared with it.
    List(&'a Node, Kind, &'a [Datum]),
    Pattern {
        matched: &'a Node,
        text: &'a str,
        ignores_case: bool,
    },
    Rows(&'a u64),
    Tenant(&'static Table, Datum),
}

impl Input<'_> {
    pub(super) fn origin(&self) -> Origin {
        match self {
            Self::Value(datum) => Origin::value(datum),
            Self::List(compared, ..) => Origin::list(compared),
            Self::Pattern { matched, .. } => Origin::pattern(matched),
            Self::Rows(rows) => Origin::rows(rows),
            Self::Tenant(table, _) => Origin::tenant(table),
        }
    }

    /// The value as the writer binds it; `None` if the database can't store it.
    pub(super) fn datum(&self, features: &Features) -> Option<Datum> {
        let is_storable = |datum: &Datum| is_storable(datum, features);
        match self {
            Self::Value(datum) => is_storable(datum).then(|| (*datum).clone()),
            Self::List(_, kind, items) => {
                let list = || Datum::List(*kind, items.to_vec());
                items.iter().all(is_storable).then(list)
            }
            Self::Pattern {
                text, ignores_case, ..
            } => {
                let pattern = bound_pattern(text, match_style(features, *ignores_case));
                let datum = Datum::Text(pattern.into_owned());
                (is_read_whole(text, features) && is_storable(&datum)).then_some(datum)
            }
            Self::Rows(rows) => Some(Datum::Int(bound_rows(**rows))),
            // The context has checked it.
            Self::Tenant(_, tenant) => Some(tenant.clone()),
        }
    }
}

/// LIMIT or OFFSET as a database counts rows: in 64 bits with a sign.
pub(super) fn bound_rows(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
