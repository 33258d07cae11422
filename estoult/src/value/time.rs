//! The types of the time crate as values. Times are kept to the microsecond; what is finer is cut when bound.

use ::time::{Date, Duration, OffsetDateTime, PrimitiveDateTime, Time, UtcDateTime};

use crate::value::{
    Datum, DatumRef, Kind, Mismatch, Value,
    temporal::{DAY_MICROS, parse_date, parse_date_time, parse_time},
};

type Read<T> = Result<T, Mismatch>;

const EPOCH: Date = UtcDateTime::UNIX_EPOCH.date();

fn out_of_range(what: &'static str) -> Mismatch {
    Mismatch::new(format!("expected {what}, found one out of its range"))
}

/// Whole microseconds between two points that the time crate can tell apart.
fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.whole_microseconds()).unwrap_or(i64::MAX)
}

impl Value for Date {
    const KIND: Kind = Kind::Date;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::Date(self.to_julian_day() - EPOCH.to_julian_day())
    }

    fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
        let days = match datum {
            DatumRef::Date(days) => Some(days),
            DatumRef::Text(text) => parse_date(text).and_then(|days| i32::try_from(days).ok()),
            other => return Err(Mismatch::expected("a date", other)),
        };
        let days = days.ok_or_else(|| Mismatch::expected("a date like 2026-01-31", datum))?;
        days.checked_add(EPOCH.to_julian_day())
            .and_then(|julian| Self::from_julian_day(julian).ok())
            .ok_or_else(|| out_of_range("a date"))
    }
}

impl Value for Time {
    const KIND: Kind = Kind::Time;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::Time(micros(*self - Self::MIDNIGHT))
    }

    fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
        let micros = match datum {
            DatumRef::Time(micros) => Some(micros),
            DatumRef::Text(text) => parse_time(text),
            other => return Err(Mismatch::expected("a time", other)),
        };
        let micros = micros.ok_or_else(|| Mismatch::expected("a time like 12:30:00", datum))?;
        if (0..DAY_MICROS).contains(&micros) {
            Ok(Self::MIDNIGHT + Duration::microseconds(micros))
        } else {
            Err(out_of_range("a time of day"))
        }
    }
}

impl Value for PrimitiveDateTime {
    const KIND: Kind = Kind::DateTime;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::DateTime(micros(*self - EPOCH.midnight()))
    }

    fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
        let micros = match datum {
            DatumRef::DateTime(micros) => Some(micros),
            DatumRef::Text(text) => match parse_date_time(text) {
                Some((micros, None)) => Some(micros),
                _ => None,
            },
            _ => None,
        };
        let micros =
            micros.ok_or_else(|| Mismatch::expected("a date and time without a zone", datum))?;
        EPOCH
            .midnight()
            .checked_add(Duration::microseconds(micros))
            .ok_or_else(|| out_of_range("a date and time"))
    }
}

impl Value for OffsetDateTime {
    const KIND: Kind = Kind::Timestamp;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::Timestamp(micros(*self - Self::UNIX_EPOCH))
    }

    fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
        let micros = match datum {
            // MySQL's DATETIME has no zone: sessions are set to UTC, so it is read as UTC.
            DatumRef::Timestamp(micros) | DatumRef::DateTime(micros) => Some(micros),
            DatumRef::Text(text) => {
                parse_date_time(text).map(|(micros, offset)| micros - offset.unwrap_or(0))
            }
            _ => None,
        };
        let micros = micros.ok_or_else(|| Mismatch::expected("a timestamp", datum))?;
        Self::UNIX_EPOCH
            .checked_add(Duration::microseconds(micros))
            .ok_or_else(|| out_of_range("a timestamp"))
    }

    fn cast(input: DatumRef<'_>) -> Read<Self> {
        match input {
            DatumRef::Text(text) if matches!(parse_date_time(text), Some((_, None))) => Err(
                Mismatch::new("expected a timestamp with a zone like 2026-01-31T12:30:00Z"),
            ),
            input => Self::from_datum(input),
        }
    }
}
