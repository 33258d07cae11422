//! The types of chrono as values. Binding truncates times to the microsecond.

use ::chrono::{
    DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc,
};

use crate::value::{
    Datum, DatumRef, Kind, Mismatch, Value,
    temporal::{
        cast_timestamp, out_of_range, read_date, read_date_time, read_time, read_timestamp,
    },
};

type Read<T> = Result<T, Mismatch>;

impl Value for NaiveDate {
    const KIND: Kind = Kind::Date;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::Date(self.to_epoch_days())
    }

    #[inline]
    fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
        Self::from_epoch_days(read_date(datum)?).ok_or_else(|| out_of_range("a date"))
    }
}

impl Value for NaiveTime {
    const KIND: Kind = Kind::Time;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        // chrono counts a leap second as nanoseconds beyond the second, which the sum includes.
        let seconds = i64::from(self.num_seconds_from_midnight());
        Datum::Time(seconds * 1_000_000 + i64::from(self.nanosecond() / 1000))
    }

    #[inline]
    fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
        // TIME of MySQL is a span of up to 838 hours (manual, "The TIME Type"), not a time of day.
        let since_midnight = TimeDelta::microseconds(read_time(datum)?);
        match Self::MIN.overflowing_add_signed(since_midnight) {
            (time, 0) => Ok(time),
            _ => Err(out_of_range("a time of day")),
        }
    }
}

impl Value for NaiveDateTime {
    const KIND: Kind = Kind::DateTime;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::DateTime(self.and_utc().timestamp_micros())
    }

    #[inline]
    fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
        DateTime::from_timestamp_micros(read_date_time(datum)?)
            .map(|instant| instant.naive_utc())
            .ok_or_else(|| out_of_range("a date and time"))
    }
}

fn instant(micros: i64) -> Read<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| out_of_range("a timestamp"))
}

impl Value for DateTime<Utc> {
    const KIND: Kind = Kind::Timestamp;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::Timestamp(self.timestamp_micros())
    }

    #[inline]
    fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
        instant(read_timestamp(datum)?)
    }

    fn cast(input: DatumRef<'_>) -> Read<Self> {
        instant(cast_timestamp(input)?)
    }
}

impl Value for DateTime<FixedOffset> {
    const KIND: Kind = Kind::Timestamp;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::Timestamp(self.timestamp_micros())
    }

    #[inline]
    fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
        // No database stores the offset beside the instant, so a value that is read has the offset of UTC.
        instant(read_timestamp(datum)?).map(Into::into)
    }

    fn cast(input: DatumRef<'_>) -> Read<Self> {
        instant(cast_timestamp(input)?).map(Into::into)
    }
}
