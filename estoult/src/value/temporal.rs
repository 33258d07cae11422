//! Conversion of days and microseconds to and from text, for databases that store or accept times as text.
//!
//! The calendar arithmetic follows Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".

mod parse;

use std::fmt::Write;

pub use self::parse::read_timestamp;
#[cfg(any(feature = "chrono", feature = "time"))]
pub(crate) use self::parse::{cast_timestamp, out_of_range, read_date, read_date_time, read_time};

pub(crate) const DAY_MICROS: i64 = 86_400_000_000;
const SECOND_MICROS: i64 = 1_000_000;

/// Year, month and day of a number of days since 1970-01-01.
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_shifted + 2) / 5 + 1;
    let month = if month_shifted < 10 {
        month_shifted + 3
    } else {
        month_shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// Days since 1970-01-01; `None` for a date that does not exist.
pub(crate) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || !(-9999..=9999).contains(&year) {
        return None;
    }
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let month_shifted = (month + 9) % 12;
    let day_of_year = (153 * month_shifted + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let count = era * 146_097 + day_of_era - 719_468;
    // The formula counts February 30 on into March, so only a date that converts back exists.
    (civil(count) == (year, month, day)).then_some(count)
}

pub(crate) fn write_date(text: &mut String, days: i64) {
    let (year, month, day) = civil(days);
    // Writing to a `String` can't fail.
    let _ = write!(text, "{year:04}-{month:02}-{day:02}");
}

pub(crate) fn write_time(text: &mut String, micros: i64) {
    let seconds = micros / SECOND_MICROS;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    // As in `write_date`: a `String` takes every write.
    let _ = write!(
        text,
        "{hour:02}:{minute:02}:{second:02}.{:06}",
        micros % SECOND_MICROS
    );
}

/// `2026-01-31 12:30:00.000000`
pub(crate) fn write_date_time(text: &mut String, micros: i64) {
    write_date(text, micros.div_euclid(DAY_MICROS));
    text.push(' ');
    write_time(text, micros.rem_euclid(DAY_MICROS));
}

pub(crate) fn date_text(days: i32) -> String {
    let mut text = String::with_capacity(10);
    write_date(&mut text, days.into());
    text
}

pub(crate) fn time_text(micros: i64) -> String {
    let mut text = String::with_capacity(15);
    write_time(&mut text, micros);
    text
}

pub(crate) fn date_time_text(micros: i64) -> String {
    let mut text = String::with_capacity(26);
    write_date_time(&mut text, micros);
    text
}

/// As [`date_time_text`], with the offset of UTC: every text has it, so that texts sort by time.
pub(crate) fn timestamp_text(micros: i64) -> String {
    let mut text = date_time_text(micros);
    text.push_str("+00:00");
    text
}
