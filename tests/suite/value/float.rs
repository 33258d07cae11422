//! Floating point numbers, and those that are no numbers.

use estoult::{Dialect, Schema, new};
use proptest::num::{f32, f64};

use super::refuses;
use crate::support::{create_table, for_any, on_every_backend};

#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "floats")]
struct Floats {
    id: i64,
    single: f32,
    double: f64,
    maybe: Option<f64>,
}

on_every_backend!(any_float_makes_the_round_trip, async |db| {
    create_table::<Floats>(db).await?;
    let single = f32::POSITIVE | f32::NEGATIVE | f32::NORMAL | f32::ZERO;
    let double = f64::POSITIVE | f64::NEGATIVE | f64::NORMAL | f64::ZERO;
    for_any(&(single, double), async |(single, double)| {
        let row = new!(Floats {
            single,
            double,
            maybe: Some(double)
        });
        let row = row.insert(db).await?;
        assert_eq!(
            (row.single, row.double, row.maybe),
            (single, double, Some(double))
        );
        assert_eq!(Floats::get(db, row.id).await?, Some(row.clone()));
        let found = Floats::query().filter(Floats::id.eq(row.id)).filter(
            Floats::double
                .eq(double)
                .and(Floats::double.in_list([double])),
        );
        assert_eq!(found.count(db).await?, 1);
        Ok(())
    });
    Ok(())
});

on_every_backend!(whole_floats_stay_floats, async |db| {
    create_table::<Floats>(db).await?;
    for double in [
        0.0,
        -1.0,
        4_503_599_627_370_497.0,
        1e300,
        f64::MIN_POSITIVE,
        f64::MAX,
    ] {
        let row = new!(Floats {
            single: 2.0,
            double,
            maybe: None
        });
        let row = row.insert(db).await?;
        assert_eq!((row.single, row.double, row.maybe), (2.0, double, None));
    }
    Ok(())
});

on_every_backend!(
    infinity_is_kept_or_refused_and_never_another_value,
    async |db| {
        create_table::<Floats>(db).await?;
        for double in [f64::INFINITY, f64::NEG_INFINITY] {
            let row = new!(Floats {
                single: 1.0,
                double: 1.0,
                maybe: Some(double)
            });
            let inserted = row.insert(db).await;
            if db.dialect() == Dialect::MariaDb {
                refuses(&inserted.unwrap_err(), "floats.maybe");
                continue;
            }
            assert_eq!(inserted?.maybe, Some(double));
            let found = Floats::query().filter(Floats::maybe.in_list([double]));
            assert_eq!(found.count(db).await?, 1);
        }
        Ok(())
    }
);

on_every_backend!(not_a_number_is_kept_or_refused_and_never_null, async |db| {
    create_table::<Floats>(db).await?;
    let row = new!(Floats {
        single: 1.0,
        double: 1.0,
        maybe: Some(f64::NAN)
    });
    let inserted = row.insert(db).await;
    if db.dialect() == Dialect::Postgres {
        assert!(inserted?.maybe.is_some_and(f64::is_nan));
    } else {
        refuses(&inserted.unwrap_err(), "floats.maybe");
        assert_eq!(Floats::query().count(db).await?, 0);
    }
    Ok(())
});
