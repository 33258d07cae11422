//! The types of chrono as values. Times are kept to the microsecond; what is finer is cut when bound.

use ::chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

use crate::value::{
    Datum, DatumRef, Kind, Mismatch, Value,
    temporal::{parse_date, parse_date_time, parse_time},
};

type Read<T> = Result<T, Mismatch>;

fn out_of_range(what: &'static str) -> Mismatch {
    Mismatch::new(format!("expected {what}, found one out of its range"))
}

impl Value for NaiveDate {
    const KIND: Kind = Kind::Date;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::Date(self.to_epoch_days())
    }

    fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
        let days = match datum {
            DatumRef::Date(days) => Some(days),
            DatumRef::Text(text) => parse_date(text).and_then(|days| i32::try_from(days).ok()),
            other => return Err(Mismatch::expected("a date", other)),
        };
        let days = days.ok_or_else(|| Mismatch::expected("a date like 2026-01-31", datum))?;
        Self::from_epoch_days(days).ok_or_else(|| out_of_range("a date"))
    }
}

impl Value for NaiveTime {
    const KIND: Kind = Kind::Time;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        let micros = self.signed_duration_since(Self::MIN).num_microseconds();
        Datum::Time(micros.unwrap_or_default())
    }

    fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
        let micros = match datum {
            DatumRef::Time(micros) => Some(micros),
            DatumRef::Text(text) => parse_time(text),
            other => return Err(Mismatch::expected("a time", other)),
        };
        let micros = micros.ok_or_else(|| Mismatch::expected("a time like 12:30:00", datum))?;
        let (time, days) = Self::MIN.overflowing_add_signed(TimeDelta::microseconds(micros));
        if days == 0 {
            Ok(time)
        } else {
            Err(out_of_range("a time of day"))
        }
    }
}

impl Value for NaiveDateTime {
    const KIND: Kind = Kind::DateTime;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::DateTime(self.and_utc().timestamp_micros())
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
        DateTime::from_timestamp_micros(micros)
            .map(|instant| instant.naive_utc())
            .ok_or_else(|| out_of_range("a date and time"))
    }
}

impl Value for DateTime<Utc> {
    const KIND: Kind = Kind::Timestamp;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::Timestamp(self.timestamp_micros())
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
        Self::from_timestamp_micros(micros).ok_or_else(|| out_of_range("a timestamp"))
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

impl Value for DateTime<FixedOffset> {
    const KIND: Kind = Kind::Timestamp;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::Timestamp(self.timestamp_micros())
    }

    fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
        DateTime::<Utc>::from_datum(datum).map(Into::into)
    }

    fn cast(input: DatumRef<'_>) -> Read<Self> {
        DateTime::<Utc>::cast(input).map(Into::into)
    }
}
