//! The types of the time crate as values. Binding truncates times to the microsecond.

use ::time::{Date, Duration, OffsetDateTime, PrimitiveDateTime, Time, UtcDateTime};

use crate::value::{
    Datum, DatumRef, Kind, Mismatch, Value,
    temporal::{
        DAY_MICROS, cast_timestamp, out_of_range, read_date, read_date_time, read_time,
        read_timestamp,
    },
};

type Read<T> = Result<T, Mismatch>;

const EPOCH: Date = UtcDateTime::UNIX_EPOCH.date();

/// The whole microseconds of a duration.
fn micros(duration: Duration) -> i64 {
    // Years end at 9999, or with time's feature `large-dates` at 999999, where late ones saturate.
    i64::try_from(duration.whole_microseconds()).unwrap_or(i64::MAX)
}

impl Value for Date {
    const KIND: Kind = Kind::Date;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::Date(self.to_julian_day() - EPOCH.to_julian_day())
    }

    #[inline]
    fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
        read_date(datum)?
            .checked_add(EPOCH.to_julian_day())
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

    #[inline]
    fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
        // TIME of MySQL is a span of up to 838 hours (manual, "The TIME Type"), not a time of day.
        let micros = read_time(datum)?;
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

    #[inline]
    fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
        let since = Duration::microseconds(read_date_time(datum)?);
        EPOCH
            .midnight()
            .checked_add(since)
            .ok_or_else(|| out_of_range("a date and time"))
    }
}

fn instant(micros: i64) -> Read<OffsetDateTime> {
    OffsetDateTime::UNIX_EPOCH
        .checked_add(Duration::microseconds(micros))
        .ok_or_else(|| out_of_range("a timestamp"))
}

impl Value for OffsetDateTime {
    const KIND: Kind = Kind::Timestamp;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::Timestamp(micros(*self - Self::UNIX_EPOCH))
    }

    #[inline]
    fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
        instant(read_timestamp(datum)?)
    }

    fn cast(input: DatumRef<'_>) -> Read<Self> {
        instant(cast_timestamp(input)?)
    }
}
