//! The limits of a database: values and names of schemas that it can't store are refused before anything is sent.
//!
//! Invariant: differences between databases are read from `Features`.

use crate::{
    backend::Features,
    error::{Error, ErrorKind, Result},
    table::Table,
    value::{
        Datum,
        temporal::{DAY_MICROS, civil},
    },
};

/// Refuses values of a key that the database can't store.
pub(crate) fn check_key(table: &'static Table, key: &[Datum], features: &Features) -> Result<()> {
    table
        .key()
        .zip(key)
        .try_for_each(|(column, datum)| check_datum(datum, table, &column.name, features))
}

/// Refuses a value that the database can't store; the error names the column.
#[inline]
pub(crate) fn check_datum(
    datum: &Datum,
    table: &Table,
    column: &str,
    features: &Features,
) -> Result<()> {
    match exceeded_limit(datum, features) {
        Some(reason) => Err(limit_error(
            &format!("{}.{column}", table.name()),
            reason,
            features,
        )),
        None => Ok(()),
    }
}

/// As [`check_datum`], for a value without a column, under this name.
pub(crate) fn check_value(datum: &Datum, name: &str, features: &Features) -> Result<()> {
    match exceeded_limit(datum, features) {
        Some(reason) => Err(limit_error(name, reason, features)),
        None => Ok(()),
    }
}

/// Whether the database can store the value.
pub(super) fn is_storable(datum: &Datum, features: &Features) -> bool {
    exceeded_limit(datum, features).is_none()
}

/// The error for a value that exceeds a limit for this reason.
pub(crate) fn limit_error(name: &str, reason: &str, features: &Features) -> Error {
    let message = format!(
        "bind a value for `{name}` on {}: {reason}, which this database can't hold",
        features.dialect
    );
    Error::new(ErrorKind::Decode, message)
}

/// The limit that a value exceeds: unchecked, the database would store another value, or refuse it without a name.
#[inline]
fn exceeded_limit(datum: &Datum, features: &Features) -> Option<&'static str> {
    let (is_exceeded, reason) = match datum {
        // Integers of PostgreSQL and SQLite are signed.
        Datum::UInt(_) => (!features.unsigned, "an integer above 9223372036854775807"),
        // SQLite stores NULL for NaN (`sqlite3VdbeMemSetDouble`); MySQL has neither NaN nor infinity.
        Datum::Float(value) if value.is_nan() => {
            (!features.not_a_number, "a float that is no number")
        }
        Datum::Float(value) if value.is_infinite() => (!features.infinity, "an infinite float"),
        // PostgreSQL stores no NUL in text (manual, "Character Types"), and no \u0000 in jsonb ("JSON Types").
        Datum::Text(text) => (
            !features.nul_in_text && text.as_bytes().contains(&0),
            "text with the character NUL",
        ),
        Datum::Json(text) => (
            !features.nul_in_text && (text.contains('\0') || has_escaped_nul(text)),
            "json with the character NUL",
        ),
        // MySQL and SQLite's functions read years of four digits only (manuals, "Date and Time").
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
    is_exceeded.then_some(reason)
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
        // Skip the escaped character: in `\\\\u0000` the second backslash begins no escape.
        let mut characters = escaped.chars();
        characters.next();
        rest = characters.as_str();
    }
    false
}

/// Refuses the name of a schema that the database can't have.
pub(crate) fn check_schema(name: &str, features: &Features) -> Result<()> {
    let longest = features.longest_name;
    let is_plain = |letter: char| letter.is_alphanumeric() || "_-.".contains(letter);
    let reason = if name.trim().is_empty() {
        "the name is blank".to_owned()
    } else if name.trim() != name || name.contains('\0') {
        "the name begins or ends with a space, or contains the character NUL".to_owned()
    // PostgreSQL truncates a longer name without an error (manual, "Identifiers"): two tenants could share a schema.
    } else if name.len() > longest {
        format!(
            "the name is longer than the {longest} bytes that {} compares",
            features.dialect
        )
    } else if features
        .reserved_schemas
        .contains(&&*name.to_ascii_lowercase())
    {
        format!("{} keeps the name for itself", features.dialect)
    } else if features.opens_schemas && (!name.chars().all(is_plain) || name.starts_with('.')) {
        "a schema of SQLite is a file, so its name may have letters, digits, `_`, `-` and `.` only"
            .to_owned()
    } else {
        return Ok(());
    };
    Err(Error::configuration(format!(
        "use the schema {name:?}: {reason}; choose another name"
    )))
}
