//! Enums as text, as integers and as native enums of PostgreSQL; newtypes; optional values.

use estoult::{Schema, Value, new};

use super::refuses;
use crate::support::{create_table, on_every_backend};

#[derive(Debug, Clone, Copy, PartialEq, Value)]
enum State {
    Draft,
    #[value(rename = "out in print")]
    Published,
}

#[derive(Debug, Clone, Copy, PartialEq, Value)]
#[value(integer)]
enum Level {
    Low = -5,
    Middle,
    High = 1000,
}

#[derive(Debug, Clone, Copy, PartialEq, Value)]
#[value(postgres_enum = "mood", rename_all = "SCREAMING_SNAKE_CASE")]
enum Mood {
    VerySad,
    Happy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Value)]
struct PaperId(i64);

#[derive(Debug, Clone, PartialEq, Value)]
struct Heading(String);

#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "papers")]
struct Paper {
    #[field(generated)]
    id: PaperId,
    heading: Heading,
    follows: Option<PaperId>,
    state: State,
    level: Level,
    mood: Mood,
    second_mood: Option<Mood>,
    second_state: Option<State>,
}

fn papers() -> [estoult::New<Paper>; 3] {
    [
        (State::Draft, Level::Low, Mood::VerySad),
        (State::Published, Level::Middle, Mood::Happy),
        (State::Draft, Level::High, Mood::Happy),
    ]
    .map(|(state, level, mood)| {
        new!(Paper {
            heading: Heading("On \"things\"".to_owned()),
            follows: None,
            state,
            level,
            mood,
            second_mood: None,
            second_state: None,
        })
    })
}

/// Two columns of one native type: the suite's tables are made column by column, so the type is made once by hand.
async fn create(db: &estoult::Database) -> estoult::Result<()> {
    create_table::<Paper>(db).await
}

on_every_backend!(enums_and_newtypes_make_the_round_trip, async |db| {
    create(db).await?;
    let [first, second, _] = papers();
    let first = first.insert(db).await?;
    let second = second
        .put(Paper::follows, Some(first.id))
        .put(Paper::second_mood, Some(Mood::VerySad))
        .put(Paper::second_state, Some(State::Published))
        .insert(db)
        .await?;
    assert_eq!(Paper::get(db, first.id).await?, Some(first.clone()));
    assert_eq!(Paper::get(db, second.id).await?, Some(second.clone()));
    assert_eq!(first.second_mood, None);
    let kept = (second.state, second.level, second.mood, second.second_mood);
    assert_eq!(
        kept,
        (
            State::Published,
            Level::Middle,
            Mood::Happy,
            Some(Mood::VerySad)
        )
    );
    assert_eq!(
        (second.follows, second.second_state),
        (Some(first.id), Some(State::Published))
    );
    let changed = second
        .change()
        .put(Paper::mood, Mood::VerySad)
        .put(Paper::second_mood, None)
        .put(Paper::level, Level::High)
        .update(db)
        .await?;
    assert_eq!(Paper::get(db, second.id).await?, Some(changed));
    Ok(())
});

on_every_backend!(enums_and_newtypes_are_filtered_and_listed, async |db| {
    create(db).await?;
    assert_eq!(estoult::insert_all(db, papers()).await?, 3);
    let first = Paper::query()
        .order_by(Paper::id.asc())
        .first(db)
        .await?
        .unwrap();
    let counts = [
        (Paper::state.eq(State::Draft), 2),
        (Paper::state.ne(State::Draft), 1),
        (Paper::state.in_list([State::Published]), 1),
        (Paper::level.eq(Level::Middle), 1),
        (Paper::level.ge(Level::Middle), 2),
        (Paper::level.in_list([Level::Low, Level::High]), 2),
        (Paper::mood.eq(Mood::Happy), 2),
        (Paper::mood.in_list([Mood::VerySad]), 1),
        (Paper::mood.not_in_list([Mood::VerySad]), 2),
        (Paper::mood.in_list([Mood::VerySad, Mood::Happy]), 3),
        (Paper::second_mood.eq(None::<Mood>), 3),
        (Paper::second_mood.in_list([Some(Mood::Happy), None]), 3),
        (Paper::second_state.in_list([Some(State::Draft)]), 0),
        (Paper::id.eq(first.id), 1),
        (Paper::id.in_list([first.id, PaperId(-1)]), 1),
        (Paper::heading.eq(Heading("On \"things\"".to_owned())), 3),
    ];
    for (index, (filter, count)) in counts.into_iter().enumerate() {
        let found = Paper::query().filter(filter).count(db).await?;
        assert_eq!(found, count, "filter {index}");
    }
    let changed = Paper::query()
        .filter(Paper::mood.eq(Mood::Happy))
        .set(Paper::mood, Mood::VerySad)
        .set(Paper::second_mood, Some(Mood::Happy))
        .update_all(db)
        .await?;
    assert_eq!(changed, 2);
    let moods = Paper::query()
        .group_by(Paper::mood)
        .select((Paper::mood, estoult::count_rows()));
    assert_eq!(moods.all(db).await?, [(Mood::VerySad, 3)]);
    Ok(())
});

on_every_backend!(an_enum_can_be_bound_in_raw_sql, async |db| {
    create(db).await?;
    estoult::insert_all(db, papers()).await?;
    let cast = match db.dialect() {
        estoult::Dialect::Postgres => "select id from papers where mood = cast(:mood as mood)",
        _ => "select id from papers where mood = :mood",
    };
    let found: Vec<(PaperId,)> = estoult::sql(cast)
        .bind("mood", Mood::VerySad)
        .all(db)
        .await?;
    assert_eq!(found.len(), 1);
    Ok(())
});

on_every_backend!(
    an_unknown_label_names_the_column_and_the_labels,
    async |db| {
        create(db).await?;
        estoult::insert_all(db, papers()).await?;
        estoult::sql("update papers set state = 'secret'")
            .execute(db)
            .await?;
        let error = Paper::query().all(db).await.unwrap_err();
        refuses(&error, "papers.state");
        assert!(error.message().contains("`out in print`"), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
        estoult::sql("update papers set state = 'draft', level = 7")
            .execute(db)
            .await?;
        refuses(&Paper::query().all(db).await.unwrap_err(), "papers.level");
        Ok(())
    }
);
