//! Patterns: which characters have a meaning, and whether upper and lower case differ.

use estoult::{Dialect, Schema, insert_all, new};

use super::{Item, names};
use crate::support::{create_table, on_every_backend};

async fn texts(db: &estoult::Database, texts: &[&str]) -> estoult::Result<()> {
    create_table::<Item>(db).await?;
    let rows = texts.iter().enumerate().map(|(rank, text)| {
        let letter = char::from(b'a' + u8::try_from(rank).unwrap());
        new!(Item {
            name: letter.to_string(),
            note: Some((*text).to_owned()),
            rank: i32::try_from(rank).unwrap(),
            score: None
        })
    });
    insert_all(db, rows).await.map(|_| ())
}

async fn found(
    db: &estoult::Database,
    filter: estoult::Predicate<Item>,
) -> estoult::Result<String> {
    names(db, Item::query().filter(filter).order_by(Item::id.asc())).await
}

on_every_backend!(wildcards_stand_for_any_text_and_any_character, async |db| {
    texts(
        db,
        &[
            "turtle",
            "tortoise",
            "t",
            "",
            "a turtle\nhere",
            "t\u{f6}rtle",
        ],
    )
    .await?;
    let patterns = [
        ("turtle", "a"),
        ("t%e", "abf"),
        ("t_rtle", "af"),
        ("t_", ""),
        ("%", "abcdef"),
        ("_%", "abcef"),
        ("%urtl%", "ae"),
        ("", "d"),
        ("%\n%", "e"),
        ("T%", ""),
    ];
    for (pattern, expected) in patterns {
        assert_eq!(
            found(db, Item::note.like(pattern)).await?,
            expected,
            "{pattern:?}"
        );
    }
    Ok(())
});

on_every_backend!(a_backslash_takes_the_meaning_from_a_wildcard, async |db| {
    texts(
        db,
        &["100%", "100 m", "a_b", "axb", r"a\b", r"a\%b", "[a]*?", "a"],
    )
    .await?;
    let patterns = [
        (r"100\%", "a"),
        ("100%", "ab"),
        (r"a\_b", "c"),
        (r"a\\b", "e"),
        (r"a\\\%b", "f"),
        (r"a\\%b", "ef"),
        ("[a]%", "g"),
        ("[a]*?", "g"),
        ("[abc]", ""),
        ("*", ""),
        (r"\a", "h"),
    ];
    for (pattern, expected) in patterns {
        assert_eq!(
            found(db, Item::note.like(pattern)).await?,
            expected,
            "{pattern:?}"
        );
        let ignoring = found(db, Item::note.ilike(pattern)).await?;
        assert_eq!(ignoring, expected, "{pattern:?} ignoring case");
    }
    Ok(())
});

on_every_backend!(texts_that_are_searched_for_have_no_wildcards, async |db| {
    texts(
        db,
        &[
            "50% off",
            "50 off",
            r"C:\dir_a",
            "C:xdirya",
            "*?[x]",
            "plain",
        ],
    )
    .await?;
    let filters = [
        (Item::note.contains("%"), "a"),
        (Item::note.contains("_"), "c"),
        (Item::note.contains(r"\"), "c"),
        (Item::note.contains("?["), "e"),
        (Item::note.contains("]"), "e"),
        (Item::note.contains(""), "abcdef"),
        (Item::note.starts_with("50%"), "a"),
        (Item::note.starts_with("off"), ""),
        (Item::note.starts_with("*?"), "e"),
        (Item::note.ends_with("_a"), "c"),
        (Item::note.ends_with("off"), "ab"),
        (Item::note.ends_with("[x]"), "e"),
        (
            Item::note
                .starts_with("50")
                .and(Item::note.ends_with("% off")),
            "a",
        ),
        (!Item::note.contains("off"), "cdef"),
    ];
    for (index, (filter, expected)) in filters.into_iter().enumerate() {
        assert_eq!(found(db, filter).await?, expected, "filter {index}");
    }
    Ok(())
});

on_every_backend!(case_counts_in_like_and_not_in_ilike, async |db| {
    texts(
        db,
        &["Turtle", "turtle", "TURTLE", "\u{c4}pfel", "\u{e4}pfel"],
    )
    .await?;
    let filters = [
        (Item::note.like("turtle"), "b"),
        (Item::note.like("%URT%"), "c"),
        (Item::note.contains("urt"), "ab"),
        (Item::note.starts_with("T"), "ac"),
        (Item::note.ends_with("LE"), "c"),
        (Item::note.ilike("turtle"), "abc"),
        (Item::note.ilike("T%E"), "abc"),
        (Item::note.like("\u{e4}%"), "e"),
        (Item::note.ilike("%PFEL"), "de"),
    ];
    for (index, (filter, expected)) in filters.into_iter().enumerate() {
        assert_eq!(found(db, filter).await?, expected, "filter {index}");
    }
    // SQLite knows the case of the letters of ASCII only.
    let umlauts = if db.dialect() == Dialect::Sqlite {
        "e"
    } else {
        "de"
    };
    assert_eq!(found(db, Item::note.ilike("\u{e4}pfel")).await?, umlauts);
    Ok(())
});
