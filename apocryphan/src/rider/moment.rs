//! When a migration was applied: an instant in UTC, as the tables and the list show it.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use estoult::{Datum, DatumRef, Kind, Mismatch, Value};

/// An instant in UTC, to the microsecond; displays as `2026-01-31 12:30:00.000000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

impl Moment {
    pub(super) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let micros = since.map_or(0, |since| since.as_micros());
        Self(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    /// Microseconds since 1970-01-01 00:00 UTC.
    pub fn micros(self) -> i64 {
        self.0
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
        let days = days(number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let seconds = (number(11, 13)? * 60 + number(14, 16)?) * 60 + number(17, 19)?;
        let digits: String = text
            .get(20..)
            .unwrap_or_default()
            .chars()
            .take_while(char::is_ascii_digit)
            .chain("000000".chars())
            .take(6)
            .collect();
        let fraction = digits.parse::<i64>().ok()?;
        Some(Self((days * 86_400 + seconds) * 1_000_000 + fraction))
    }
}

/// Days since 1970-01-01, after Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms".
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    year.div_euclid(400) * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a number of days since 1970-01-01, after the same source.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    let year = year_of_era + days.div_euclid(146_097) * 400 + i64::from(month <= 2);
    (year, month, day)
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(1_000_000);
        let (year, month, day) = civil(seconds.div_euclid(86_400));
        let of_day = seconds.rem_euclid(86_400);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let fraction = self.0.rem_euclid(1_000_000);
        write!(
            f,
            "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{fraction:06}"
        )
    }
}

impl Value for Moment {
    const KIND: Kind = Kind::DateTime;

    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::DateTime(self.0)
    }

    fn from_datum(datum: DatumRef<'_>) -> Result<Self, Mismatch> {
        match datum {
            DatumRef::DateTime(micros) | DatumRef::Timestamp(micros) => Ok(Self(micros)),
            DatumRef::Text(text) => Self::parse(text)
                .ok_or_else(|| Mismatch::new("expected a time such as 2026-01-31 12:30:00")),
            other => Err(Mismatch::expected("a date and time", other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn a_moment_reads_what_it_shows() {
        for text in [
            "2026-01-31 12:30:00.000001",
            "1999-12-31 23:59:59.999999",
            "2024-02-29 00:00:00.000000",
        ] {
            assert_eq!(Moment::parse(text).unwrap().to_string(), text);
        }
        let short = Moment::parse("2026-01-31T12:30:00.5").unwrap();
        assert_eq!(short.to_string(), "2026-01-31 12:30:00.500000");
        assert!(Moment::parse("yesterday").is_none());
    }
}
