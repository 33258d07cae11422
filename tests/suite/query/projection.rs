//! What is read instead of whole rows: columns, expressions, structs, groups and totals.

use estoult::{FromRow, Schema, count_rows, new};

use super::{Item, items};
use crate::support::{create_table, on_every_backend};

#[derive(Debug, PartialEq, FromRow)]
#[row(schema = Item)]
struct Short {
    #[row(column = "rank")]
    place: i32,
    name: String,
    #[row(skip)]
    seen: bool,
}

on_every_backend!(columns_are_read_alone_and_in_tuples, async |db| {
    items(db).await?;
    let ordered = Item::query().order_by(Item::id.asc()).limit(2);
    assert_eq!(ordered.clone().select(Item::rank).all(db).await?, [1, 2]);
    let pairs = ordered.clone().select((Item::score, Item::name));
    assert_eq!(
        pairs.all(db).await?,
        [(Some(10), "a".to_owned()), (None, "b".to_owned())]
    );
    let single = ordered.clone().select((Item::note,)).first(db).await?;
    assert_eq!(single, Some((Some("first".to_owned()),)));
    let condition = ordered.select((Item::rank.gt(1), Item::score.is_null()));
    assert_eq!(condition.all(db).await?, [(false, false), (true, true)]);
    Ok(())
});

on_every_backend!(a_struct_reads_the_columns_it_takes, async |db| {
    items(db).await?;
    let short = Item::query().filter(Item::rank.eq(3)).rows::<Short>();
    let expected = Short {
        place: 3,
        name: "c".to_owned(),
        seen: false,
    };
    assert_eq!(short.one(db).await?, expected);
    Ok(())
});

on_every_backend!(distinct_leaves_out_equal_rows, async |db| {
    items(db).await?;
    let scores = Item::query()
        .select(Item::score)
        .distinct()
        .order_by(Item::score.desc().nulls_last());
    assert_eq!(scores.all(db).await?, [Some(30), Some(10), None]);
    let rows = Item::query().distinct().order_by(Item::id.asc());
    assert_eq!(rows.all(db).await?.len(), 5);
    Ok(())
});

on_every_backend!(groups_have_totals_and_conditions, async |db| {
    items(db).await?;
    let groups = Item::query()
        .group_by(Item::score)
        .order_by(Item::score.asc().nulls_last())
        .select((
            Item::score,
            count_rows(),
            Item::rank.sum(),
            Item::rank.min(),
            Item::rank.max(),
            Item::note.count(),
        ));
    let expected = [
        (Some(10), 2, Some(6), Some(1), Some(5), 1),
        (Some(30), 1, Some(3), Some(3), Some(3), 0),
        (None, 2, Some(6), Some(2), Some(4), 1),
    ];
    assert_eq!(groups.clone().all(db).await?, expected);
    let kept = groups
        .clone()
        .filter(Item::rank.lt(5))
        .having(count_rows().gt(1))
        .having(Item::rank.sum().ge(6));
    assert_eq!(kept.all(db).await?, expected[2..]);
    assert_eq!(groups.limit(1).offset(1).one(db).await?, expected[1]);
    Ok(())
});

on_every_backend!(totals_of_the_whole_table_are_one_row, async |db| {
    items(db).await?;
    let totals = Item::query().select((
        count_rows(),
        Item::score.count(),
        Item::score.count_distinct(),
        Item::score.sum(),
        Item::rank.avg(),
        Item::name.min(),
        Item::note.max(),
    ));
    let (rows, scores, different, sum, mean, least, greatest) = totals.one(db).await?;
    assert_eq!((rows, scores, different, sum), (5, 3, 2, Some(50)));
    assert_eq!(mean, Some(3.0));
    assert_eq!(
        (least.as_deref(), greatest.as_deref()),
        (Some("a"), Some("second"))
    );
    Ok(())
});

on_every_backend!(totals_of_no_rows_are_null, async |db| {
    create_table::<Item>(db).await?;
    let totals = Item::query().select((
        count_rows(),
        Item::rank.sum(),
        Item::rank.avg(),
        Item::rank.min(),
        Item::name.max(),
        Item::rank.count(),
    ));
    assert_eq!(totals.one(db).await?, (0, None, None, None, None, 0));
    let groups = Item::query()
        .group_by(Item::rank)
        .select((Item::rank, count_rows()));
    assert_eq!(groups.all(db).await?, []);
    Ok(())
});

on_every_backend!(sums_are_wider_than_what_is_summed, async |db| {
    create_table::<Item>(db).await?;
    let rows = (0..3).map(|_| {
        new!(Item {
            name: String::new(),
            note: None,
            rank: i32::MAX,
            score: Some(i32::MIN)
        })
    });
    estoult::insert_all(db, rows).await?;
    let sums = Item::query().select((Item::rank.sum(), Item::score.sum(), Item::score.avg()));
    let expected = (
        Some(3 * i64::from(i32::MAX)),
        Some(3 * i64::from(i32::MIN)),
        Some(f64::from(i32::MIN)),
    );
    assert_eq!(sums.one(db).await?, expected);
    Ok(())
});

on_every_backend!(a_group_by_two_columns_is_each_combination, async |db| {
    items(db).await?;
    let groups = Item::query()
        .filter(Item::note.is_null())
        .group_by(Item::score)
        .group_by(Item::rank)
        .select((Item::score, Item::rank, count_rows()))
        .order_by(Item::rank.asc());
    let expected = [(Some(30), 3, 1), (None, 4, 1), (Some(10), 5, 1)];
    assert_eq!(groups.all(db).await?, expected);
    Ok(())
});
