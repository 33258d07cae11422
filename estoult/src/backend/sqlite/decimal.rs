//! Exact decimals in SQLite, which has none: they are stored as text, compared with a collation and summed with a
//! function, both of estoult's own.
//!
//! Invariant: both are used in statements only, never in a table's definition: other programs can open the file.

use std::{cmp::Ordering, str::FromStr};

use rusqlite::{
    Connection, Error,
    functions::{Aggregate, Context, FunctionFlags},
    types::ValueRef,
};
use rust_decimal::Decimal;

use crate::value::Mismatch;

/// The collation that compares texts as decimal numbers.
pub(crate) const COLLATION: &str = "estoult_decimal";
/// The function that adds up decimals exactly.
pub(crate) const SUM: &str = "estoult_sum";
/// The function that gives the exact mean.
pub(crate) const AVERAGE: &str = "estoult_avg";

pub(super) fn install(connection: &Connection) -> rusqlite::Result<()> {
    connection.create_collation(COLLATION, compare)?;
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_aggregate_function(SUM, 1, flags, DecimalAggregate { is_average: false })?;
    connection.create_aggregate_function(AVERAGE, 1, flags, DecimalAggregate { is_average: true })
}

/// Numbers by their value, and after them texts that are no numbers, so that the order is total.
fn compare(left: &str, right: &str) -> Ordering {
    match (Decimal::from_str(left), Decimal::from_str(right)) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => left.cmp(right),
    }
}

struct DecimalAggregate {
    is_average: bool,
}

#[derive(Default)]
struct RunningSum {
    sum: Decimal,
    count: u64,
}

fn refuse(reason: &'static str) -> Error {
    Error::UserFunctionError(Box::new(Mismatch::new(reason)))
}

fn read(value: ValueRef<'_>) -> rusqlite::Result<Option<Decimal>> {
    match value {
        ValueRef::Null => Ok(None),
        ValueRef::Integer(value) => Ok(Some(value.into())),
        ValueRef::Text(text) => std::str::from_utf8(text)
            .ok()
            .and_then(|text| Decimal::from_str(text).ok())
            .map(Some)
            .ok_or_else(|| refuse("add up decimals: a text is not a decimal number")),
        ValueRef::Real(_) | ValueRef::Blob(_) => Err(refuse(
            "add up decimals: a stored value is not a decimal number",
        )),
    }
}

impl Aggregate<RunningSum, Option<String>> for DecimalAggregate {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<RunningSum> {
        Ok(RunningSum::default())
    }

    fn step(&self, context: &mut Context<'_>, running: &mut RunningSum) -> rusqlite::Result<()> {
        if let Some(value) = read(context.get_raw(0))? {
            let sum = running.sum.checked_add(value);
            running.sum =
                sum.ok_or_else(|| refuse("add up decimals: the sum has over 28 digits"))?;
            running.count += 1;
        }
        Ok(())
    }

    fn finalize(
        &self,
        _: &mut Context<'_>,
        running: Option<RunningSum>,
    ) -> rusqlite::Result<Option<String>> {
        // As SQL has it, the sum of no rows, or of NULLs alone, is NULL.
        let Some(running) = running.filter(|running| running.count > 0) else {
            return Ok(None);
        };
        if self.is_average {
            return Ok(Some(
                (running.sum / Decimal::from(running.count)).to_string(),
            ));
        }
        Ok(Some(running.sum.to_string()))
    }
}
