//! Decimals are exact, are compared as numbers and are added up exactly, whatever their scale.

use estoult::{Database, Decimal, Dialect, Result, Schema, count_rows, new};
use proptest::prelude::any;

use crate::support::{create_table, for_any, on_every_backend};

#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "amounts")]
struct Amount {
    id: i64,
    value: Decimal,
    maybe: Option<Decimal>,
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

async fn insert(db: &Database, values: &[&str]) -> Result<()> {
    create_table::<Amount>(db).await?;
    for value in values {
        let value = decimal(value);
        let row = new!(Amount {
            value,
            maybe: Some(value)
        });
        assert_eq!(row.insert(db).await?.value, value);
    }
    Ok(())
}

const VALUES: [&str; 8] = [
    "10",
    "9.5",
    "-0.1",
    "0.1",
    "-100",
    "9.50",
    "0",
    "100.0000000001",
];

on_every_backend!(any_decimal_is_exact, async |db| {
    create_table::<Amount>(db).await?;
    for_any(&(any::<i64>(), 0_u32..=10), async |(mantissa, scale)| {
        let value = Decimal::new(mantissa / 10, scale);
        let row = new!(Amount {
            value,
            maybe: Some(-value)
        });
        let row = row.insert(db).await?;
        assert_eq!((row.value, row.maybe), (value, Some(-value)));
        let found = Amount::query()
            .filter(Amount::id.eq(row.id))
            .filter(Amount::value.eq(value).and(Amount::maybe.in_list([-value])))
            .filter(Amount::value.between(value, value));
        assert_eq!(found.one(db).await?, row);
        Ok(())
    });
    Ok(())
});

on_every_backend!(the_greatest_decimals_are_kept_or_refused, async |db| {
    create_table::<Amount>(db).await?;
    for value in [Decimal::MAX, Decimal::MIN] {
        let row = new!(Amount { value, maybe: None });
        let inserted = row.insert(db).await;
        if db.dialect() == Dialect::Sqlite {
            assert_eq!(inserted?.value, value);
        } else {
            // The column holds 18 digits before the point.
            assert!(inserted.is_err());
        }
    }
    Ok(())
});

on_every_backend!(decimals_are_ordered_as_numbers, async |db| {
    insert(db, &VALUES).await?;
    let mut sorted: Vec<_> = VALUES.iter().map(|value| decimal(value)).collect();
    sorted.sort();
    let ascending = Amount::query()
        .order_by(Amount::value.asc())
        .select(Amount::value);
    assert_eq!(ascending.all(db).await?, sorted);
    sorted.reverse();
    let descending = Amount::query().order_by(Amount::maybe.desc().nulls_last());
    assert_eq!(descending.select(Amount::value).all(db).await?, sorted);
    Ok(())
});

on_every_backend!(decimals_are_compared_as_numbers, async |db| {
    insert(db, &VALUES).await?;
    let counts = [
        (Amount::value.eq(decimal("9.500")), 2),
        (Amount::value.ne(decimal("9.5")), 6),
        (Amount::value.lt(decimal("9.5")), 4),
        (Amount::value.ge(decimal("9.5")), 4),
        (Amount::maybe.gt(decimal("-1")), 7),
        (Amount::value.between(decimal("-0.10"), decimal("0.100")), 3),
        (
            Amount::value.in_list([decimal("10.0"), decimal("9.5000")]),
            3,
        ),
        (
            Amount::value.not_in_list([decimal("10.0"), decimal("0.00")]),
            6,
        ),
    ];
    for (index, (filter, count)) in counts.into_iter().enumerate() {
        let found = Amount::query().filter(filter).count(db).await?;
        assert_eq!(found, count, "filter {index}");
    }
    Ok(())
});

on_every_backend!(decimals_are_added_up_exactly, async |db| {
    insert(db, &["0.1", "0.2", "-1000000000.0000000001", "1000000000"]).await?;
    let totals = Amount::query().select((
        Amount::value.sum(),
        Amount::maybe.sum(),
        Amount::value.min(),
        Amount::value.max(),
    ));
    let sum = Some(decimal("0.2999999999"));
    let (least, greatest) = (decimal("-1000000000.0000000001"), decimal("1000000000"));
    let expected = (sum, sum, Some(least), Some(greatest));
    assert_eq!(totals.one(db).await?, expected);
    Ok(())
});

on_every_backend!(the_mean_of_decimals_is_exact, async |db| {
    insert(db, &["0.1", "0.2", "-0.75", "9.05"]).await?;
    let mean = Amount::query().select(Amount::value.avg()).one(db).await?;
    assert_eq!(mean, Some(decimal("2.15")));
    Ok(())
});

on_every_backend!(the_total_of_no_decimals_is_null, async |db| {
    create_table::<Amount>(db).await?;
    let totals = Amount::query().select((Amount::value.sum(), Amount::value.avg(), count_rows()));
    assert_eq!(totals.one(db).await?, (None, None, 0));
    Ok(())
});

on_every_backend!(
    equal_decimals_of_different_scale_are_one_group,
    async |db| {
        insert(db, &["1.5", "1.50", "2", "2.0", "2.00", "-3"]).await?;
        let groups = Amount::query()
            .group_by(Amount::value)
            .order_by(Amount::value.asc())
            .select((Amount::value, count_rows()));
        let expected = [(decimal("-3"), 1), (decimal("1.5"), 2), (decimal("2"), 3)];
        assert_eq!(groups.all(db).await?, expected);
        let distinct = Amount::query().distinct().select(Amount::value);
        assert_eq!(distinct.all(db).await?.len(), 3);
        let different = Amount::query().select(Amount::value.count_distinct());
        assert_eq!(different.one(db).await?, 3);
        Ok(())
    }
);

on_every_backend!(totals_of_decimals_are_compared_as_numbers, async |db| {
    insert(db, &["1.5", "1.5", "10", "-3"]).await?;
    let groups = Amount::query()
        .group_by(Amount::value)
        .having(Amount::value.sum().ge(decimal("3.00")))
        .order_by(Amount::value.sum().desc())
        .select(Amount::value.sum());
    assert_eq!(
        groups.all(db).await?,
        [Some(decimal("10")), Some(decimal("3"))]
    );
    Ok(())
});
