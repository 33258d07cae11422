//! Order, and which part of it is taken.

use estoult::Schema;

use super::{Item, items, names};
use crate::support::on_every_backend;

on_every_backend!(rows_come_in_the_order_of_all_its_terms, async |db| {
    items(db).await?;
    let ascending = Item::query().order_by(Item::name.asc());
    assert_eq!(names(db, ascending).await?, "abcde");
    let descending = Item::query().order_by(Item::rank.desc());
    assert_eq!(names(db, descending).await?, "edcba");
    let both = Item::query()
        .filter(Item::score.is_not_null())
        .order_by(Item::score.asc())
        .order_by(Item::rank.desc());
    assert_eq!(names(db, both).await?, "eac");
    Ok(())
});

on_every_backend!(null_comes_first_or_last_as_asked, async |db| {
    items(db).await?;
    let orders = [
        (Item::score.asc().nulls_first(), "bdaec"),
        (Item::score.asc().nulls_last(), "aecbd"),
        (Item::score.desc().nulls_first(), "bdcae"),
        (Item::score.desc().nulls_last(), "caebd"),
        (Item::rank.desc().nulls_first(), "edcba"),
    ];
    for (order, expected) in orders {
        let query = Item::query().order_by(order).order_by(Item::rank.asc());
        assert_eq!(names(db, query).await?, expected);
    }
    Ok(())
});

on_every_backend!(limit_and_offset_take_a_part, async |db| {
    items(db).await?;
    let ordered = Item::query().order_by(Item::id.asc());
    let parts = [
        (ordered.clone().limit(2), "ab"),
        (ordered.clone().limit(2).offset(2), "cd"),
        (ordered.clone().offset(3), "de"),
        (ordered.clone().limit(9).offset(4), "e"),
        (ordered.clone().offset(9), ""),
        (ordered.clone().limit(0), ""),
        (ordered.clone().limit(1).limit(3), "abc"),
        (ordered.limit(u64::MAX).offset(u64::MAX), ""),
    ];
    for (index, (query, expected)) in parts.into_iter().enumerate() {
        assert_eq!(names(db, query).await?, expected, "part {index}");
    }
    Ok(())
});

on_every_backend!(rows_are_ordered_by_a_condition_and_by_a_total, async |db| {
    items(db).await?;
    let by_condition = Item::query()
        .order_by(Item::score.is_null().asc())
        .order_by(Item::rank.asc());
    assert_eq!(names(db, by_condition).await?, "acebd");
    let groups = Item::query()
        .group_by(Item::score)
        .order_by(estoult::count_rows().desc())
        .order_by(Item::score.asc().nulls_first())
        .select((Item::score, estoult::count_rows()));
    assert_eq!(
        groups.all(db).await?,
        [(None, 2), (Some(10), 2), (Some(30), 1)]
    );
    Ok(())
});
