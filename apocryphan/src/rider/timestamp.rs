//! When a migration was applied: a point in time in UTC, as the tables hold it and the list shows it.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use estoult::{
    Value,
    extension::read_timestamp,
    row::Cell,
    value::{Datum, DatumRef, Kind, Mismatch},
};

/// A point in time in UTC, to the microsecond; displays as `2026-01-31 12:30:00.000000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    pub(super) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        // A clock before 1970 or past the year 294000 is wrong; the nearest end of the range shows that in the list.
        let micros = since.map_or(0, |since| since.as_micros());
        Self(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    /// Microseconds since 1970-01-01 00:00 UTC.
    pub fn micros(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Cell::Value(self.to_datum()))
    }
}

impl Value for Timestamp {
    const KIND: Kind = Kind::DateTime;

    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::DateTime(self.0)
    }

    fn from_datum(datum: DatumRef<'_>) -> Result<Self, Mismatch> {
        read_timestamp(datum).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use estoult::{Value, value::DatumRef};

    use super::Timestamp;

    fn read(text: &str) -> Option<String> {
        let read = Timestamp::from_datum(DatumRef::Text(text));
        read.ok().map(|timestamp| timestamp.to_string())
    }

    #[test]
    fn a_timestamp_reads_what_it_shows() {
        for text in [
            "2026-01-31 12:30:00.000001",
            "1999-12-31 23:59:59.999999",
            "2024-02-29 00:00:00.000000",
        ] {
            assert_eq!(read(text).as_deref(), Some(text));
        }
        let short = read("2026-01-31T12:30:00.5");
        assert_eq!(short.as_deref(), Some("2026-01-31 12:30:00.500000"));
        let zoned = read("2026-01-31 12:30:00+02:00");
        assert_eq!(zoned.as_deref(), Some("2026-01-31 10:30:00.000000"));
        assert_eq!(read("yesterday"), None);
    }
}
