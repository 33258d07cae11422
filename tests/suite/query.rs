//! Reading: the verbs, and by topic the clauses.

mod filter;
mod list;
mod order;
mod pattern;
mod projection;

use estoult::{Database, ErrorKind, Result, Schema, insert_all, new};

use crate::support::{create_table, on_every_backend};

/// A row with some of everything, for filters.
#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "items")]
struct Item {
    id: i64,
    name: String,
    note: Option<String>,
    rank: i32,
    score: Option<i32>,
}

/// Items `a` to `e`: ranks 1 to 5, scores 10, none, 30, none, 10, notes for `a` and `b`.
async fn items(db: &Database) -> Result<()> {
    create_table::<Item>(db).await?;
    let rows = [
        ("a", Some("first"), 1, Some(10)),
        ("b", Some("second"), 2, None),
        ("c", None, 3, Some(30)),
        ("d", None, 4, None),
        ("e", None, 5, Some(10)),
    ];
    let rows = rows.map(|(name, note, rank, score)| {
        new!(Item {
            name: name.to_owned(),
            note: note.map(str::to_owned),
            rank,
            score
        })
    });
    assert_eq!(insert_all(db, rows).await?, 5);
    Ok(())
}

/// The names that a query finds, joined.
async fn names(db: &Database, query: estoult::Query<Item>) -> Result<String> {
    Ok(query.select(Item::name).all(db).await?.concat())
}

on_every_backend!(one_wants_exactly_one_row, async |db| {
    items(db).await?;
    let one = |name: &str| Item::query().filter(Item::name.eq(name)).one(db);
    assert_eq!(one("c").await?.rank, 3);
    let error = one("z").await.unwrap_err();
    assert!(error.is_not_found(), "{error:?}");
    assert!(error.message().contains("`items`"), "{error}");
    assert!(
        error
            .origin()
            .is_some_and(|at| at.file().ends_with("query.rs"))
    );
    let error = Item::query().one(db).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TooMany), "{error:?}");
    let error = Item::query().limit(3).offset(1).one(db).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TooMany), "{error:?}");
    assert_eq!(
        Item::query()
            .filter(Item::rank.gt(4))
            .limit(9)
            .one(db)
            .await?
            .name,
        "e"
    );
    Ok(())
});

on_every_backend!(optional_wants_at_most_one_row, async |db| {
    items(db).await?;
    let none = Item::query().filter(Item::rank.gt(9)).optional(db).await?;
    assert_eq!(none, None);
    let one = Item::query().filter(Item::rank.eq(2)).optional(db).await?;
    assert_eq!(one.map(|item| item.name).as_deref(), Some("b"));
    let error = Item::query().optional(db).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TooMany), "{error:?}");
    Ok(())
});

on_every_backend!(first_takes_the_first_of_the_order, async |db| {
    items(db).await?;
    let last = Item::query().order_by(Item::rank.desc());
    assert_eq!(last.clone().first(db).await?.map(|item| item.rank), Some(5));
    assert_eq!(
        last.clone()
            .offset(1)
            .first(db)
            .await?
            .map(|item| item.rank),
        Some(4)
    );
    assert_eq!(last.limit(0).first(db).await?, None);
    let none = Item::query().filter(Item::rank.lt(0)).first(db).await?;
    assert_eq!(none, None);
    Ok(())
});

on_every_backend!(all_gives_every_row_and_none_of_an_empty_table, async |db| {
    create_table::<Item>(db).await?;
    assert_eq!(Item::query().all(db).await?, []);
    assert_eq!(Item::query().count(db).await?, 0);
    assert!(!Item::query().exists(db).await?);
    Ok(())
});

on_every_backend!(
    count_respects_limit_offset_distinct_and_groups,
    async |db| {
        items(db).await?;
        let all = Item::query().order_by(Item::rank.asc());
        assert_eq!(all.clone().count(db).await?, 5);
        assert_eq!(all.clone().limit(3).count(db).await?, 3);
        assert_eq!(all.clone().limit(3).offset(4).count(db).await?, 1);
        assert_eq!(all.clone().offset(2).count(db).await?, 3);
        assert_eq!(all.clone().limit(0).count(db).await?, 0);
        assert_eq!(all.clone().distinct().count(db).await?, 5);
        assert_eq!(all.filter(Item::rank.gt(1)).count(db).await?, 4);
        let scores = Item::query().select(Item::score).distinct();
        assert_eq!(scores.count(db).await?, 3);
        let groups = Item::query().group_by(Item::score);
        assert_eq!(groups.clone().count(db).await?, 3);
        let pairs = groups.having(estoult::count_rows().gt(1));
        assert_eq!(pairs.clone().count(db).await?, 2);
        assert!(pairs.exists(db).await?);
        Ok(())
    }
);

on_every_backend!(exists_respects_filter_limit_and_offset, async |db| {
    items(db).await?;
    assert!(Item::query().exists(db).await?);
    assert!(
        Item::query()
            .filter(Item::note.is_null())
            .limit(2)
            .exists(db)
            .await?
    );
    assert!(!Item::query().filter(Item::rank.gt(5)).exists(db).await?);
    assert!(!Item::query().limit(0).exists(db).await?);
    assert!(
        Item::query()
            .order_by(Item::rank.asc())
            .offset(4)
            .exists(db)
            .await?
    );
    assert!(!Item::query().offset(5).exists(db).await?);
    let large = Item::query().limit(u64::MAX).offset(1);
    assert_eq!(large.all(db).await?.len(), 4);
    Ok(())
});

on_every_backend!(
    a_statement_that_fails_says_where_it_was_asked_for,
    async |db| {
        let error = Item::query().all(db).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Query), "{error:?}");
        assert!(error.message().contains("items"), "{error}");
        assert!(
            error
                .statement()
                .is_some_and(|text| text.starts_with("SELECT"))
        );
        let at = error.origin().unwrap();
        assert!(
            at.file().ends_with("suite/query.rs") && at.line() > 100,
            "{error}"
        );
        Ok(())
    }
);
