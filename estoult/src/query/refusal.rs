//! Which values a database can't hold, so that they are refused by their column's name before anything is sent.
//!
//! Invariant: differences between databases are read from `Features`.

use crate::{
    backend::Features,
    error::{Error, ErrorKind, Result},
    schema::Table,
    value::{
        Datum,
        temporal::{DAY_MICROS, civil},
    },
};

/// Refuses values that the database can't hold, before anything is sent.
pub(crate) fn check_values(
    table: &'static Table,
    columns: &[&str],
    values: &[Datum],
    features: &Features,
) -> Result<()> {
    columns
        .iter()
        .zip(values)
        .try_for_each(|(column, datum)| check_datum(datum, table, column, features))
}

/// The same for the values of a key.
pub(crate) fn check_key(table: &'static Table, key: &[Datum], features: &Features) -> Result<()> {
    table
        .key()
        .zip(key)
        .try_for_each(|(column, datum)| check_datum(datum, table, &column.name, features))
}

/// Refuses a value that the database can't hold, before anything is sent.
pub(crate) fn check_datum(
    datum: &Datum,
    table: &Table,
    column: &str,
    features: &Features,
) -> Result<()> {
    match refusal(datum, features) {
        Some(reason) => Err(refused(
            &format!("{}.{column}", table.name()),
            reason,
            features,
        )),
        None => Ok(()),
    }
}

/// The same for a value that is known by another name than a column's.
pub(crate) fn check(datum: &Datum, name: &str, features: &Features) -> Result<()> {
    match refusal(datum, features) {
        Some(reason) => Err(refused(name, reason, features)),
        None => Ok(()),
    }
}

/// The error for a value that is refused for this reason.
pub(crate) fn refused(name: &str, reason: &str, features: &Features) -> Error {
    let message = format!(
        "bind a value for `{name}` on {}: {reason}, which this database can't hold",
        features.dialect
    );
    Error::new(ErrorKind::Decode, message)
}

/// What the database can't hold: left to itself it would store something else, or refuse it without the column's name.
fn refusal(datum: &Datum, features: &Features) -> Option<&'static str> {
    let (is_refused, reason) = match datum {
        Datum::UInt(_) => (!features.unsigned, "an integer above 9223372036854775807"),
        Datum::Float(value) if value.is_nan() => {
            (!features.not_a_number, "a float that is no number")
        }
        Datum::Float(value) if value.is_infinite() => (!features.infinity, "an infinite float"),
        Datum::Text(text) => (
            !features.nul_in_text && text.contains('\0'),
            "text with the character NUL",
        ),
        Datum::Json(text) => (
            !features.nul_in_text && (text.contains('\0') || has_escaped_nul(text)),
            "json with the character NUL",
        ),
        Datum::Date(days) => (
            !features.long_years && has_long_year(i64::from(*days)),
            "a date outside of the years 0 to 9999",
        ),
        Datum::DateTime(micros) | Datum::Timestamp(micros) => (
            !features.long_years && has_long_year(micros.div_euclid(DAY_MICROS)),
            "a time outside of the years 0 to 9999",
        ),
        _ => (false, ""),
    };
    is_refused.then_some(reason)
}

fn has_long_year(days: i64) -> bool {
    !(0..=9999).contains(&civil(days).0)
}

/// Whether a JSON text writes the character NUL as its escape.
fn has_escaped_nul(json: &str) -> bool {
    let mut rest = json;
    while let Some((_, escaped)) = rest.split_once('\\') {
        if escaped.starts_with("u0000") {
            return true;
        }
        // The character behind a backslash is never the beginning of another escape.
        let mut characters = escaped.chars();
        characters.next();
        rest = characters.as_str();
    }
    false
}
