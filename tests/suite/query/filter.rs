//! Which rows a filter keeps: comparisons, NULL, and how conditions are joined.

use estoult::{Predicate, Schema};

use super::{Item, items, names};
use crate::support::on_every_backend;

on_every_backend!(several_filters_must_all_hold, async |db| {
    items(db).await?;
    let query = Item::query()
        .filter(Item::rank.gt(1))
        .filter(Item::rank.le(4))
        .filter(Item::score.is_not_null())
        .order_by(Item::id.asc());
    assert_eq!(names(db, query).await?, "c");
    Ok(())
});

on_every_backend!(a_filter_of_nothing_leaves_the_query_alone, async |db| {
    items(db).await?;
    for (least, expected) in [(Some(4), "de"), (None, "abcde")] {
        let query = Item::query()
            .filter_some(least, |least| Item::rank.ge(least))
            .order_by(Item::id.asc());
        assert_eq!(names(db, query).await?, expected);
    }
    Ok(())
});

on_every_backend!(comparisons_keep_what_they_say, async |db| {
    items(db).await?;
    let filters = [
        (Item::rank.eq(3), "c"),
        (Item::rank.ne(3), "abde"),
        (Item::rank.lt(2), "a"),
        (Item::rank.le(2), "ab"),
        (Item::rank.gt(4), "e"),
        (Item::rank.ge(4), "de"),
        (Item::rank.between(2, 4), "bcd"),
        (Item::rank.between(4, 2), ""),
        (Item::score.eq(10), "ae"),
        (Item::score.eq(Some(10)), "ae"),
        (Item::score.ne(10), "c"),
        (Item::score.gt(5), "ace"),
        (Item::name.eq("a"), "a"),
        (Item::name.ge("d"), "de"),
        (Item::note.eq("second"), "b"),
        (Item::note.eq(Item::note), "ab"),
        (Item::rank.eq(Item::rank), "abcde"),
    ];
    for (index, (filter, expected)) in filters.into_iter().enumerate() {
        let query = Item::query().filter(filter).order_by(Item::id.asc());
        assert_eq!(names(db, query).await?, expected, "filter {index}");
    }
    Ok(())
});

on_every_backend!(null_is_asked_for_by_name_and_by_none, async |db| {
    items(db).await?;
    let filters = [
        (Item::score.is_null(), "bd"),
        (Item::score.is_not_null(), "ace"),
        (Item::score.eq(None), "bd"),
        (Item::score.ne(None), "ace"),
        (Item::note.eq(None::<String>), "cde"),
        (Item::note.ne(None::<String>), "ab"),
        (Item::score.lt(None), ""),
        (Item::score.ne(10).or(Item::score.is_null()), "bcd"),
        (Item::score.eq(10).not(), "c"),
    ];
    for (index, (filter, expected)) in filters.into_iter().enumerate() {
        let query = Item::query().filter(filter).order_by(Item::id.asc());
        assert_eq!(names(db, query).await?, expected, "filter {index}");
    }
    Ok(())
});

on_every_backend!(conditions_are_joined_as_they_are_written, async |db| {
    items(db).await?;
    let (low, high, scored) = (
        Item::rank.le(2),
        Item::rank.ge(5),
        Item::score.is_not_null(),
    );
    let filters = [
        (low.clone().or(high.clone()), "abe"),
        (low.clone() | high.clone(), "abe"),
        ((low.clone() | high.clone()) & scored.clone(), "ae"),
        (low.clone() | (high.clone() & scored.clone()), "abe"),
        (!(low.clone() | high.clone()), "cd"),
        (!low.clone() & !high.clone(), "cd"),
        (!(!low.clone()), "ab"),
        (low.clone().and(scored.clone()).not(), "bcde"),
        (Predicate::all([low.clone(), scored.clone()]), "a"),
        (
            Predicate::any([low.clone(), high.clone(), scored.clone()]),
            "abce",
        ),
        (Predicate::all([]), "abcde"),
        (Predicate::any([]), ""),
        (Predicate::any([]).not(), "abcde"),
        (!Item::rank.between(2, 4), "ae"),
        (!Item::note.contains("s"), ""),
    ];
    for (index, (filter, expected)) in filters.into_iter().enumerate() {
        let query = Item::query().filter(filter).order_by(Item::id.asc());
        assert_eq!(names(db, query).await?, expected, "filter {index}");
    }
    Ok(())
});
