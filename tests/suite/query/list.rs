//! Lists of values: empty, short, of any length, and with NULL.

use estoult::Schema;

use super::{Item, items, names};
use crate::support::on_every_backend;

on_every_backend!(lists_keep_their_members, async |db| {
    items(db).await?;
    let filters = [
        (Item::rank.in_list([2, 4, 9]), "bd"),
        (Item::rank.not_in_list([2, 4, 9]), "ace"),
        (Item::rank.in_list([5]), "e"),
        (Item::rank.in_list([1, 1, 1]), "a"),
        (Item::rank.in_list(Vec::<i32>::new()), ""),
        (Item::rank.not_in_list(Vec::<i32>::new()), "abcde"),
        (Item::score.in_list([10]), "ae"),
        (Item::score.not_in_list([10]), "c"),
        (Item::name.in_list(["a", "e", "'"]), "ae"),
        (Item::note.in_list(["first"]), "a"),
        (Item::rank.in_list([Item::rank]), "abcde"),
    ];
    for (index, (filter, expected)) in filters.into_iter().enumerate() {
        let query = Item::query().filter(filter).order_by(Item::id.asc());
        assert_eq!(names(db, query).await?, expected, "filter {index}");
    }
    Ok(())
});

on_every_backend!(none_in_a_list_finds_null, async |db| {
    items(db).await?;
    let filters = [
        (Item::score.in_list([Some(30), None]), "bcd"),
        (Item::score.in_list([None]), "bd"),
        (Item::score.not_in_list([Some(30), None]), "ae"),
        (Item::score.not_in_list([None]), "ace"),
    ];
    for (index, (filter, expected)) in filters.into_iter().enumerate() {
        let query = Item::query().filter(filter).order_by(Item::id.asc());
        assert_eq!(names(db, query).await?, expected, "filter {index}");
    }
    Ok(())
});

on_every_backend!(
    a_list_of_a_hundred_thousand_numbers_is_one_statement,
    async |db| {
        items(db).await?;
        let many: Vec<i32> = (3..100_003).collect();
        let query = Item::query()
            .filter(Item::rank.in_list(many.clone()))
            .order_by(Item::id.asc());
        assert_eq!(names(db, query).await?, "cde");
        let query = Item::query().filter(Item::rank.not_in_list(many));
        assert_eq!(query.count(db).await?, 2);
        Ok(())
    }
);

on_every_backend!(
    a_list_of_a_hundred_thousand_texts_is_one_statement,
    async |db| {
        items(db).await?;
        let mut many: Vec<String> = (0..100_000)
            .map(|number| format!("\"{number}' \u{1f422}"))
            .collect();
        many.extend(["b".to_owned(), "d".to_owned()]);
        let query = Item::query()
            .filter(Item::name.in_list(many))
            .order_by(Item::id.asc());
        assert_eq!(names(db, query).await?, "bd");
        Ok(())
    }
);

on_every_backend!(
    lists_of_every_length_around_the_bounds_are_exact,
    async |db| {
        items(db).await?;
        for length in [2, 3, 100, 101, 1023, 1024, 1025, 2000] {
            let values = (0..length).map(|number| number + 4);
            let found = Item::query()
                .filter(Item::rank.in_list(values))
                .count(db)
                .await?;
            assert_eq!(found, 2, "a list of {length}");
        }
        Ok(())
    }
);
