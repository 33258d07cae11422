//! Text, bytes and UUIDs.

use estoult::{Dialect, Result, Schema, new};
use proptest::{collection::vec, prelude::any};
use uuid::{Builder, Uuid};

use super::refuses;
use crate::support::{create_table, for_any, on_every_backend};

#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "notes")]
struct Note {
    id: i64,
    text: String,
    maybe: Option<String>,
    bytes: Vec<u8>,
    mark: Uuid,
}

async fn note(db: &estoult::Database, text: &str, bytes: &[u8], mark: Uuid) -> Result<Note> {
    let row = new!(Note {
        text: text.to_owned(),
        maybe: Some(text.to_owned()),
        bytes: bytes.to_vec(),
        mark
    });
    row.insert(db).await
}

/// It comes back as it was, and each filter that it should pass finds it.
async fn is_found(db: &estoult::Database, row: &Note) -> Result<()> {
    assert_eq!(Note::get(db, row.id).await?.as_ref(), Some(row));
    let text = row.text.as_str();
    let filters = [
        Note::text.eq(text),
        Note::maybe.eq(text),
        Note::text.in_list([text, "another"]),
        Note::maybe.in_list([Some(text.to_owned()), None]),
        Note::bytes.eq(row.bytes.clone()),
        Note::bytes.in_list([row.bytes.clone(), b"another".to_vec()]),
        Note::mark.eq(row.mark),
        Note::mark.in_list([row.mark, Uuid::nil()]),
    ];
    for (index, filter) in filters.into_iter().enumerate() {
        let found = Note::query().filter(Note::id.eq(row.id)).filter(filter);
        assert_eq!(found.count(db).await?, 1, "filter {index} of {row:?}");
    }
    Ok(())
}

async fn is_matched(db: &estoult::Database, row: &Note) -> Result<()> {
    let text = row.text.as_str();
    let filters = [
        Note::text.contains(text),
        Note::maybe.contains(text),
        Note::text.starts_with(text),
        Note::text.ends_with(text),
        Note::text.like(estoult::query::escape_like(text)),
        Note::text.ilike(estoult::query::escape_like(text)),
    ];
    for (index, filter) in filters.into_iter().enumerate() {
        let found = Note::query().filter(Note::id.eq(row.id)).filter(filter);
        assert_eq!(found.count(db).await?, 1, "pattern {index} of {row:?}");
    }
    Ok(())
}

on_every_backend!(texts_with_a_meaning_elsewhere_are_kept, async |db| {
    create_table::<Note>(db).await?;
    let texts = [
        "",
        " ",
        "it's \"quoted\" `here`",
        r"back\slash \' \\",
        "100% _sure_ [a-z]* ?",
        "Gal\u{e1}pagos \u{1f422}\u{200d}\u{2642}\u{fe0f}",
        "'; drop table notes; --",
        ":name ? $1 %s {}",
        "line\r\n\tnext\u{85}\u{2028}",
        "\u{feff}\u{10ffff}\u{1}\u{7f}",
    ];
    for text in texts {
        let row = note(db, text, text.as_bytes(), Uuid::nil()).await?;
        assert_eq!(
            (row.text.as_str(), row.maybe.as_deref()),
            (text, Some(text))
        );
        is_found(db, &row).await?;
        is_matched(db, &row).await?;
    }
    Ok(())
});

on_every_backend!(
    any_text_is_found_by_itself_and_by_what_it_contains,
    async |db| {
        create_table::<Note>(db).await?;
        let strategy = ("[^\u{0}]{0,40}", vec(any::<u8>(), 0..64), any::<[u8; 16]>());
        for_any(&strategy, async |(text, bytes, mark)| {
            let mark = Builder::from_random_bytes(mark).into_uuid();
            let row = note(db, &text, &bytes, mark).await?;
            assert_eq!((&row.text, &row.bytes, row.mark), (&text, &bytes, mark));
            is_found(db, &row).await?;
            is_matched(db, &row).await
        });
        Ok(())
    }
);

on_every_backend!(a_uuid_of_no_known_version_is_kept_or_refused, async |db| {
    create_table::<Note>(db).await?;
    let mark = Uuid::from_u128(0x1e26_8c90_2174_cd9e_7e74_e28f_4669_2405);
    let inserted = note(db, "", b"", mark).await;
    if db.dialect() == Dialect::MariaDb {
        let error = inserted.unwrap_err().to_string();
        assert!(error.contains("`mark`"), "{error}");
        assert!(!error.contains("1e268c90"), "{error}");
    } else {
        assert_eq!(inserted?.mark, mark);
    }
    Ok(())
});

on_every_backend!(
    text_with_nul_is_kept_or_refused_by_the_columns_name,
    async |db| {
        create_table::<Note>(db).await?;
        let text = "before\0after";
        let inserted = note(db, text, b"\0\0\xff", Uuid::max()).await;
        if db.dialect() == Dialect::Postgres {
            refuses(&inserted.unwrap_err(), "notes.text");
            let filtered = Note::query().filter(Note::text.eq(text)).count(db).await;
            refuses(&filtered.unwrap_err(), "notes.text");
            let listed = Note::query()
                .filter(Note::text.in_list([text]))
                .count(db)
                .await;
            refuses(&listed.unwrap_err(), "notes.text");
            let raw = estoult::sql("select :text").bind("text", text.to_owned());
            refuses(&raw.one::<(String,)>(db).await.unwrap_err(), "text");
            return Ok(());
        }
        let row = inserted?;
        assert_eq!(
            (row.text.as_str(), row.bytes.as_slice()),
            (text, &b"\0\0\xff"[..])
        );
        is_found(db, &row).await
    }
);

on_every_backend!(
    a_pattern_with_nul_finds_what_it_says_or_is_refused,
    async |db| {
        create_table::<Note>(db).await?;
        let pattern = Note::query().filter(Note::text.contains("before\0another"));
        if db.dialect() == Dialect::MariaDb {
            note(db, "before\0after", b"", Uuid::nil()).await?;
            assert_eq!(pattern.count(db).await?, 0);
            let found = Note::query().filter(Note::text.contains("e\0a"));
            assert_eq!(found.count(db).await?, 1);
        } else {
            refuses(&pattern.count(db).await.unwrap_err(), "notes.text");
        }
        Ok(())
    }
);

on_every_backend!(long_bytes_and_text_are_kept, async |db| {
    create_table::<Note>(db).await?;
    let text = "\u{e9}".repeat(500);
    let bytes: Vec<u8> = (0..=255).cycle().take(60_000).collect();
    let row = note(db, &text, &bytes, Uuid::max()).await?;
    assert_eq!((&row.text, &row.bytes), (&text, &bytes));
    is_found(db, &row).await
});
