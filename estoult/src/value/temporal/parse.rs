//! Parses dates and times as SQLite stores them and as people write them.

use super::{DAY_MICROS, SECOND_MICROS, days};
use crate::value::{DatumRef, Mismatch};

type Read<T> = Result<T, Mismatch>;

/// The days since 1970-01-01 in a datum.
pub(crate) fn read_date(datum: DatumRef<'_>) -> Read<i32> {
    let days = match datum {
        DatumRef::Date(days) => Some(days),
        DatumRef::Text(text) => parse_date(text).and_then(|days| i32::try_from(days).ok()),
        other => return Err(Mismatch::expected("a date", other)),
    };
    days.ok_or_else(|| Mismatch::expected("a date like 2026-01-31", datum))
}

/// The microseconds since midnight in a datum.
pub(crate) fn read_time(datum: DatumRef<'_>) -> Read<i64> {
    let micros = match datum {
        DatumRef::Time(micros) => Some(micros),
        DatumRef::Text(text) => parse_time(text),
        other => return Err(Mismatch::expected("a time", other)),
    };
    micros.ok_or_else(|| Mismatch::expected("a time like 12:30:00", datum))
}

/// The microseconds since 1970-01-01 00:00 in a datum, in no zone.
pub(crate) fn read_date_time(datum: DatumRef<'_>) -> Read<i64> {
    let micros = match datum {
        DatumRef::DateTime(micros) => Some(micros),
        DatumRef::Text(text) => match parse_date_time(text) {
            Some((micros, None)) => Some(micros),
            _ => None,
        },
        _ => None,
    };
    micros.ok_or_else(|| Mismatch::expected("a date and time without a zone", datum))
}

/// The microseconds since 1970-01-01 00:00 UTC in a datum, also in a text such as `2026-01-31 12:30:00+02:00`. A time
/// without a zone is read as UTC, which the sessions of MySQL are set to.
///
/// # Errors
///
/// The mismatch, for a datum that is no point in time.
pub fn read_timestamp(datum: DatumRef<'_>) -> Read<i64> {
    let micros = match datum {
        DatumRef::Timestamp(micros) | DatumRef::DateTime(micros) => Some(micros),
        DatumRef::Text(text) => {
            parse_date_time(text).map(|(micros, offset)| micros - offset.unwrap_or(0))
        }
        _ => None,
    };
    micros.ok_or_else(|| Mismatch::expected("a timestamp", datum))
}

/// As [`read_timestamp`], for loosely typed input, which must have an offset.
pub(crate) fn cast_timestamp(input: DatumRef<'_>) -> Read<i64> {
    // A database's time without an offset is in UTC, since the session is; that of a form could be in any zone.
    match input {
        DatumRef::Text(text) if matches!(parse_date_time(text), Some((_, None))) => Err(
            Mismatch::new("expected a timestamp with a zone like 2026-01-31T12:30:00Z"),
        ),
        input => read_timestamp(input),
    }
}

/// The mismatch of a value outside of the type's range.
pub(crate) fn out_of_range(what: &'static str) -> Mismatch {
    Mismatch::new(format!("expected {what}, found one out of its range"))
}

fn number(bytes: &[u8]) -> Option<i64> {
    if bytes.is_empty() {
        return None;
    }
    bytes.iter().try_fold(0_i64, |sum, byte| {
        byte.is_ascii_digit()
            .then(|| sum * 10 + i64::from(byte - b'0'))
    })
}

/// Days of `2026-01-31`.
fn parse_date(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let (sign, bytes) = match bytes.first()? {
        b'-' => (-1, &bytes[1..]),
        _ => (1, bytes),
    };
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    days(
        sign * number(&bytes[..4])?,
        number(&bytes[5..7])?,
        number(&bytes[8..])?,
    )
}

/// Microseconds of `12:30`, `12:30:00` or `12:30:00.123456`; further digits are refused.
fn parse_time(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() < 5 || bytes[2] != b':' {
        return None;
    }
    let (hour, minute) = (number(&bytes[..2])?, number(&bytes[3..5])?);
    let (second, fraction) = match &bytes[5..] {
        [] => (0, 0),
        [b':', rest @ ..] if rest.len() >= 2 => (number(&rest[..2])?, parse_fraction(&rest[2..])?),
        _ => return None,
    };
    (hour < 24 && minute < 60 && second < 60)
        .then(|| ((hour * 60 + minute) * 60 + second) * SECOND_MICROS + fraction)
}

fn parse_fraction(bytes: &[u8]) -> Option<i64> {
    match bytes {
        [] => Some(0),
        [b'.', digits @ ..] if (1..=6).contains(&digits.len()) => {
            let missing = u32::try_from(6 - digits.len()).ok()?;
            Some(number(digits)? * 10_i64.pow(missing))
        }
        // Digits behind the microseconds are dropped only where they are zeros, so that nothing is lost.
        [b'.', digits @ ..]
            if digits.len() <= 9 && digits[6..].iter().all(|digit| *digit == b'0') =>
        {
            number(&digits[..6])
        }
        _ => None,
    }
}

/// A date and time, and the offset in microseconds if the text has one (`Z`, `+02:00`).
fn parse_date_time(text: &str) -> Option<(i64, Option<i64>)> {
    let (date, rest) = text.split_at_checked(10)?;
    let days = parse_date(date)?;
    if rest.is_empty() {
        return Some((days * DAY_MICROS, None));
    }
    let rest = rest.strip_prefix([' ', 'T', 't'])?;
    let zone = rest.find(['Z', 'z', '+', '-']);
    let (time, zone) = zone.map_or((rest, ""), |at| rest.split_at(at));
    let micros = days * DAY_MICROS + parse_time(time)?;
    Some((micros, parse_offset(zone)?))
}

#[expect(
    clippy::option_option,
    reason = "the outer level says that the text is no offset"
)]
fn parse_offset(text: &str) -> Option<Option<i64>> {
    let bytes = text.as_bytes();
    let (sign, digits) = match bytes {
        [] => return Some(None),
        [b'Z' | b'z'] => return Some(Some(0)),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.len() {
        2 => (number(digits)?, 0),
        4 => (number(&digits[..2])?, number(&digits[2..])?),
        5 if digits[2] == b':' => (number(&digits[..2])?, number(&digits[3..])?),
        _ => return None,
    };
    Some(Some(sign * (hours * 60 + minutes) * 60 * SECOND_MICROS))
}
