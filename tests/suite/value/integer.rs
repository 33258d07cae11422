//! Integers and truth values at their bounds, and unsigned ones beyond the signed range.

use estoult::{Dialect, Schema, new};
use proptest::prelude::any;

use super::refuses;
use crate::support::{create_table, for_any, on_every_backend};

#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "integers")]
struct Integers {
    id: i64,
    byte: i8,
    short: i16,
    int: i32,
    long: i64,
    unsigned_byte: u8,
    unsigned_short: u16,
    unsigned_int: u32,
    truth: bool,
}

#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "counters")]
struct Counter {
    id: i64,
    hits: u64,
    misses: Option<u64>,
}

on_every_backend!(integers_keep_their_bounds, async |db| {
    create_table::<Integers>(db).await?;
    let least = new!(Integers {
        byte: i8::MIN,
        short: i16::MIN,
        int: i32::MIN,
        long: i64::MIN,
        unsigned_byte: 0,
        unsigned_short: 0,
        unsigned_int: 0,
        truth: false,
    });
    let greatest = new!(Integers {
        byte: i8::MAX,
        short: i16::MAX,
        int: i32::MAX,
        long: i64::MAX,
        unsigned_byte: u8::MAX,
        unsigned_short: u16::MAX,
        unsigned_int: u32::MAX,
        truth: true,
    });
    let least = least.insert(db).await?;
    let greatest = greatest.insert(db).await?;
    let expected = Integers {
        id: greatest.id,
        byte: i8::MAX,
        short: i16::MAX,
        int: i32::MAX,
        long: i64::MAX,
        unsigned_byte: u8::MAX,
        unsigned_short: u16::MAX,
        unsigned_int: u32::MAX,
        truth: true,
    };
    assert_eq!(greatest, expected);
    assert_eq!(Integers::get(db, greatest.id).await?, Some(expected));
    let found = Integers::query().filter(Integers::long.eq(i64::MIN));
    assert_eq!(found.one(db).await?, least);
    assert_eq!(
        (least.byte, least.int, least.truth),
        (i8::MIN, i32::MIN, false)
    );
    Ok(())
});

on_every_backend!(any_integer_is_found_by_its_value, async |db| {
    create_table::<Integers>(db).await?;
    let strategy = (any::<(i8, i16, i32, i64)>(), any::<(u8, u16, u32, bool)>());
    for_any(&strategy, async |(signed, unsigned)| {
        let row = new!(Integers {
            byte: signed.0,
            short: signed.1,
            int: signed.2,
            long: signed.3,
            unsigned_byte: unsigned.0,
            unsigned_short: unsigned.1,
            unsigned_int: unsigned.2,
            truth: unsigned.3,
        });
        let row = row.insert(db).await?;
        let found = Integers::query()
            .filter(Integers::id.eq(row.id))
            .filter(
                Integers::byte
                    .eq(signed.0)
                    .and(Integers::short.in_list([signed.1])),
            )
            .filter(Integers::int.ge(signed.2).and(Integers::long.le(signed.3)))
            .filter(Integers::unsigned_int.in_list([unsigned.2]))
            .filter(Integers::truth.eq(unsigned.3));
        assert_eq!(found.one(db).await?, row);
        let kept = (
            row.unsigned_byte,
            row.unsigned_short,
            row.unsigned_int,
            row.truth,
        );
        assert_eq!(kept, unsigned);
        Ok(())
    });
    Ok(())
});

on_every_backend!(
    unsigned_integers_beyond_the_signed_range_are_kept_or_refused,
    async |db| {
        create_table::<Counter>(db).await?;
        let within = i64::MAX.unsigned_abs();
        let row = new!(Counter {
            hits: within,
            misses: None
        });
        assert_eq!(row.insert(db).await?.hits, within);
        let row = new!(Counter {
            hits: 1,
            misses: Some(u64::MAX)
        });
        let inserted = row.insert(db).await;
        if db.dialect() == Dialect::MariaDb {
            assert_eq!(inserted?.misses, Some(u64::MAX));
            let found = Counter::query().filter(Counter::misses.eq(u64::MAX));
            assert_eq!(found.count(db).await?, 1);
            let listed = Counter::query().filter(Counter::misses.in_list([u64::MAX, 3]));
            assert_eq!(listed.count(db).await?, 1);
            return Ok(());
        }
        refuses(&inserted.unwrap_err(), "counters.misses");
        let filtered = Counter::query().filter(Counter::hits.eq(u64::MAX));
        refuses(&filtered.count(db).await.unwrap_err(), "counters.hits");
        let listed = Counter::query().filter(Counter::hits.in_list([1, u64::MAX]));
        refuses(&listed.count(db).await.unwrap_err(), "counters.hits");
        let changed = Counter::query()
            .set(Counter::hits, u64::MAX)
            .update_all(db)
            .await;
        refuses(&changed.unwrap_err(), "hits");
        let rows = [1, u64::MAX].map(|hits| new!(Counter { hits, misses: None }));
        let inserted = estoult::insert_all(db, rows).await;
        refuses(&inserted.unwrap_err(), "counters.hits");
        assert_eq!(Counter::query().count(db).await?, 1);
        Ok(())
    }
);

on_every_backend!(
    unsigned_integers_in_raw_sql_are_kept_or_refused,
    async |db| {
        let read = estoult::sql("select cast(:hits as char(20))")
            .bind("hits", u64::MAX)
            .one::<(String,)>(db)
            .await;
        if db.dialect() == Dialect::MariaDb {
            assert_eq!(read?.0, u64::MAX.to_string());
        } else {
            refuses(&read.unwrap_err(), "hits");
        }
        Ok(())
    }
);
