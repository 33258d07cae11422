//! [`Part`]: one statement of a flight, and what the server has answered to it.

use std::sync::Arc;

use super::{
    answer::Answer,
    classify::{is_missing, is_stale_plan, is_untyped},
    decode::Columns,
};
use crate::backend::CopyTarget;

/// One statement of a flight.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is asked for by itself, at another answer"
)]
pub(super) struct Part {
    pub(super) text: Arc<str>,
    pub(super) types: Arc<[u32]>,
    pub(super) name: Arc<str>,
    pub(super) origin: Origin,
    /// Whether the server has parsed it, so that what it answers now it found when it ran it.
    pub(super) is_parsed: bool,
    pub(super) is_raw: bool,
    pub(super) changes_session: bool,
    /// Whether the data of a COPY follow behind it.
    pub(super) sends_data: bool,
    pub(super) columns: Option<Arc<Columns>>,
    /// What the server says that it did.
    pub(super) tag: Tag,
}

/// How the server comes by a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It is asked to prepare it.
    New,
    /// It is asked to prepare it for an earlier statement of the flight.
    InFlight,
    /// It has prepared it before.
    Prepared,
}

/// What the server says that a statement did: `INSERT 0 5`, `ROLLBACK`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Tag {
    #[default]
    None,
    Commit,
    PrepareTransaction,
    /// Also for ROLLBACK TO.
    Rollback,
    /// All prepared statements are gone.
    Deallocate,
    /// Another one, with the number of rows that it inserted, changed, deleted or gave back.
    Other(u64),
}

impl Tag {
    pub(super) fn read(body: &[u8]) -> Self {
        match body {
            b"COMMIT\0" => Self::Commit,
            b"PREPARE TRANSACTION\0" => Self::PrepareTransaction,
            b"ROLLBACK\0" => Self::Rollback,
            b"DEALLOCATE ALL\0" | b"DISCARD ALL\0" => Self::Deallocate,
            tag => Self::Other(number_at_end(tag)),
        }
    }

    /// Whether a transaction has ended; `rolls_back` says whether ROLLBACK was that of a transaction.
    pub(super) fn ends_transaction(self, rolls_back: impl FnOnce() -> bool) -> bool {
        match self {
            Self::Commit | Self::PrepareTransaction => true,
            Self::Rollback => rolls_back(),
            Self::None | Self::Deallocate | Self::Other(_) => false,
        }
    }
}

/// The number behind the last space of a tag, which ends with a NUL.
fn number_at_end(tag: &[u8]) -> u64 {
    let tag = tag.strip_suffix(&[0]).unwrap_or(tag);
    let digits = tag.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    digits.iter().fold(0_u64, |number, digit| {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return 0;
        }
        number.wrapping_mul(10).wrapping_add(digit.into())
    })
}

impl Part {
    /// Whether the server refused it before it ran, since its plan is stale or gone.
    pub(super) fn is_stale(&self, answer: &Answer) -> bool {
        match self.origin {
            Origin::New => false,
            Origin::InFlight => is_stale_plan(answer) && !is_missing(answer),
            Origin::Prepared => is_stale_plan(answer),
        }
    }

    /// Whether the statement that was to prepare it has failed.
    pub(super) fn is_unprepared(&self, answer: &Answer) -> bool {
        self.origin == Origin::InFlight && is_missing(answer)
    }

    /// Whether the server refused it before it ran, since the type of a parameter does not show.
    pub(super) fn is_untyped(&self, answer: &Answer) -> bool {
        !self.is_parsed && is_untyped(answer)
    }

    /// How many rows it inserted, changed, deleted or gave back.
    pub(super) fn rows_affected(&self) -> u64 {
        match self.tag {
            Tag::Other(rows) => rows,
            _ => 0,
        }
    }
}

/// A question for the columns of a table that is on its way.
pub(super) struct Asking {
    pub(super) part: Part,
    pub(super) target: CopyTarget,
}
