//! Dates and times of chrono and of the time crate, to the microsecond.

use chrono::{DateTime, Days, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use estoult::{Dialect, Schema, new};
use proptest::prelude::{Strategy, any};
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time, UtcDateTime};

use super::refuses;
use crate::support::{create_table, for_any, on_every_backend};

#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "times")]
struct Times {
    id: i64,
    day: NaiveDate,
    clock: NaiveTime,
    local: NaiveDateTime,
    at: DateTime<Utc>,
    zoned: Option<DateTime<FixedOffset>>,
}

/// The same table with the types of the other crate.
#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "times")]
struct Instant {
    id: i64,
    day: Date,
    clock: Time,
    local: PrimitiveDateTime,
    at: OffsetDateTime,
    zoned: Option<OffsetDateTime>,
}

const DAY_MICROS: i64 = 86_400_000_000;

/// Microseconds since 1970 of any time in the years 1 to 9999.
fn micros() -> impl Strategy<Value = i64> {
    let first = days(1, 1, 1);
    let last = days(9999, 12, 31);
    (first..=last, 0..DAY_MICROS).prop_map(|(day, micros)| day * DAY_MICROS + micros)
}

fn days(year: i32, month: u32, day: u32) -> i64 {
    let date = NaiveDate::from_ymd_opt(year, month, day).unwrap();
    (date - NaiveDate::default()).num_days()
}

fn moment(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap()
}

on_every_backend!(any_time_of_chrono_makes_the_round_trip, async |db| {
    create_table::<Times>(db).await?;
    for_any(&(micros(), any::<bool>()), async |(micros, has_zone)| {
        let at = moment(micros);
        let (day, clock, local) = (at.date_naive(), at.time(), at.naive_utc());
        let zone = FixedOffset::east_opt(5 * 3600 + 1800).unwrap();
        let zoned = has_zone.then(|| at.with_timezone(&zone));
        let row = new!(Times {
            day,
            clock,
            local,
            at,
            zoned
        });
        let row = row.insert(db).await?;
        let kept = (row.day, row.clock, row.local, row.at, row.zoned);
        assert_eq!(kept, (day, clock, local, at, zoned));
        let found = Times::query()
            .filter(Times::id.eq(row.id))
            .filter(Times::day.eq(day).and(Times::clock.eq(clock)))
            .filter(Times::local.eq(local).and(Times::at.eq(at)))
            .filter(Times::day.in_list([day]).and(Times::clock.in_list([clock])))
            .filter(Times::local.in_list([local]).and(Times::at.in_list([at])))
            .filter(Times::zoned.eq(zoned));
        assert_eq!(found.one(db).await?, row);
        Ok(())
    });
    Ok(())
});

on_every_backend!(any_time_of_the_time_crate_is_chronos, async |db| {
    create_table::<Times>(db).await?;
    for_any(&micros(), async |micros| {
        let nanos = i128::from(micros) * 1000;
        let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap();
        let utc = UtcDateTime::from(at);
        let (day, clock) = (utc.date(), utc.time());
        let row = new!(Instant {
            day,
            clock,
            local: PrimitiveDateTime::new(day, clock),
            at,
            zoned: None
        });
        let row = row.insert(db).await?;
        let kept = (row.day, row.clock, row.local, row.at);
        assert_eq!(kept, (day, clock, PrimitiveDateTime::new(day, clock), at));
        let other = moment(micros);
        let found = Times::query().filter(Times::id.eq(row.id)).one(db).await?;
        assert_eq!((found.at, found.local), (other, other.naive_utc()));
        assert_eq!((found.day, found.clock), (other.date_naive(), other.time()));
        Ok(())
    });
    Ok(())
});

on_every_backend!(times_are_compared_and_ordered_as_times, async |db| {
    create_table::<Times>(db).await?;
    let base = moment(days(1999, 12, 31) * DAY_MICROS);
    let mut expected = Vec::new();
    for hours in [30, -7000, 0, 100_000, 5] {
        let at = base + TimeDelta::hours(hours);
        expected.push(at);
        let row = new!(Times {
            day: at.date_naive(),
            clock: at.time(),
            local: at.naive_utc(),
            at,
            zoned: None
        });
        row.insert(db).await?;
    }
    expected.sort();
    let ordered = Times::query().order_by(Times::at.asc()).select(Times::at);
    assert_eq!(ordered.all(db).await?, expected);
    let bounds = Times::query().select((Times::local.min(), Times::day.max(), Times::at.max()));
    let (least, greatest) = (expected[0], expected[4]);
    let bounds_expected = (
        Some(least.naive_utc()),
        Some(greatest.date_naive()),
        Some(greatest),
    );
    assert_eq!(bounds.one(db).await?, bounds_expected);
    let tomorrow = base.date_naive() + Days::new(1);
    let until = Times::query().filter(Times::day.between(base.date_naive(), tomorrow));
    assert_eq!(until.count(db).await?, 3);
    Ok(())
});

on_every_backend!(what_is_finer_than_a_microsecond_is_cut, async |db| {
    create_table::<Times>(db).await?;
    let whole = moment(days(2026, 2, 3) * DAY_MICROS + 12_345_678_901);
    let at = whole + TimeDelta::nanoseconds(999);
    let row = new!(Times {
        day: at.date_naive(),
        clock: at.time(),
        local: at.naive_utc(),
        at,
        zoned: Some(at.into())
    });
    let row = row.insert(db).await?;
    assert_eq!(
        (row.clock, row.local, row.at),
        (whole.time(), whole.naive_utc(), whole)
    );
    Ok(())
});

on_every_backend!(years_beyond_four_digits_are_kept_or_refused, async |db| {
    create_table::<Times>(db).await?;
    let clock = NaiveTime::default();
    for year in [10_000, -1] {
        let day = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
        let far = new!(Times {
            day,
            clock,
            local: NaiveDateTime::default(),
            at: DateTime::default(),
            zoned: None
        });
        let later = new!(Times {
            day: NaiveDate::default(),
            clock,
            local: day.and_time(clock),
            at: DateTime::default(),
            zoned: None
        });
        let (far, later) = (far.insert(db).await, later.insert(db).await);
        if db.dialect() == Dialect::Postgres {
            assert_eq!(far?.day, day);
            assert_eq!(later?.local, day.and_time(clock));
        } else {
            refuses(&far.unwrap_err(), "times.day");
            refuses(&later.unwrap_err(), "times.local");
            let filtered = Times::query().filter(Times::day.lt(day)).count(db).await;
            refuses(&filtered.unwrap_err(), "times.day");
            assert_eq!(Times::query().count(db).await?, 0);
        }
    }
    Ok(())
});
