//! Inserts of one row: where each column's value comes from.

use chrono::{DateTime, Utc};
use estoult::{Dialect, Embedded, ErrorKind, Schema, new, sql};
use uuid::Uuid;

use crate::support::{
    create_table, on_every_backend,
    schemas::{Author, create_tables},
};

#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "tickets")]
pub(super) struct Ticket {
    pub(super) id: Uuid,
    #[field(uuid = "v4")]
    pub(super) secret: Uuid,
    pub(super) title: String,
    #[field(default)]
    pub(super) priority: i32,
    #[field(default = "open".to_owned())]
    pub(super) state: String,
    #[field(default_sql = "7")]
    pub(super) weight: i64,
    #[field(created_at)]
    pub(super) opened: DateTime<Utc>,
    #[field(updated_at)]
    pub(super) touched: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "memberships")]
struct Membership {
    #[field(key)]
    club: String,
    #[field(key)]
    number: i32,
    note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Embedded)]
struct Address {
    street: String,
    #[field(rename = "zip code")]
    zip: Option<i32>,
}

#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "Order \"Lines\"", rename_all = "camelCase")]
struct Person {
    id: i64,
    full_name: String,
    #[field(rename = "select")]
    group: i32,
    #[field(embed)]
    home_address: Address,
    #[field(embed, prefix = "w_")]
    work: Address,
    #[field(skip)]
    cached: Option<String>,
}

/// A row of generated and default columns only.
#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "numbers")]
struct Number {
    id: i64,
    #[field(default_sql = "3")]
    value: i64,
}

pub(super) fn ticket(title: &str) -> estoult::New<Ticket> {
    new!(Ticket {
        title: title.to_owned()
    })
}

on_every_backend!(generated_keys_count_up_and_can_be_given, async |db| {
    create_tables(db).await?;
    let author = |name: &str| {
        new!(Author {
            name: name.to_owned(),
            email: None
        })
    };
    let first = author("a").insert(db).await?;
    let second = author("b").insert(db).await?;
    assert!(second.id > first.id);
    let given = author("c").put(Author::id, 1000).insert(db).await?;
    assert_eq!(given.id, 1000);
    let error = author("d")
        .put(Author::id, 1000)
        .insert(db)
        .await
        .unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Constraint(_)),
        "{error:?}"
    );
    assert_eq!(Author::query().count(db).await?, 3);
    Ok(())
});

on_every_backend!(a_row_of_nothing_but_defaults_is_inserted, async |db| {
    create_table::<Number>(db).await?;
    let row = new!(Number {}).insert(db).await?;
    assert_eq!(row.value, 3);
    assert_eq!(Number::get(db, row.id).await?, Some(row));
    Ok(())
});

on_every_backend!(uuid_keys_are_made_before_the_insert, async |db| {
    create_table::<Ticket>(db).await?;
    let first = ticket("a").insert(db).await?;
    let second = ticket("b").insert(db).await?;
    assert_eq!(
        (first.id.get_version_num(), first.secret.get_version_num()),
        (7, 4)
    );
    assert!(first.id < second.id);
    assert_ne!(first.secret, second.secret);
    assert_eq!(Ticket::get(db, second.id).await?, Some(second));
    let given = ticket("c").put(Ticket::id, Uuid::nil()).insert(db).await?;
    assert_eq!(given.id, Uuid::nil());
    Ok(())
});

on_every_backend!(defaults_fill_what_is_not_given, async |db| {
    create_table::<Ticket>(db).await?;
    let plain = ticket("a").insert(db).await?;
    assert_eq!(
        (plain.priority, plain.state.as_str(), plain.weight),
        (0, "open", 7)
    );
    let given = ticket("b")
        .put(Ticket::priority, 5)
        .put(Ticket::state, "closed")
        .put(Ticket::weight, 1)
        .insert(db)
        .await?;
    assert_eq!(
        (given.priority, given.state.as_str(), given.weight),
        (5, "closed", 1)
    );
    let changeset = Ticket::changeset()
        .put(Ticket::title, "c")
        .insert(db)
        .await?;
    assert_eq!((changeset.state.as_str(), changeset.weight), ("open", 7));
    assert_eq!(Ticket::query().count(db).await?, 3);
    Ok(())
});

on_every_backend!(times_of_insert_are_now_and_equal, async |db| {
    create_table::<Ticket>(db).await?;
    let before = Utc::now();
    let row = ticket("a").insert(db).await?;
    let after = Utc::now();
    assert!(row.opened.timestamp_micros() >= before.timestamp_micros() && row.opened <= after);
    assert!((row.touched - row.opened).num_milliseconds() < 1000);
    let then = DateTime::from_timestamp_micros(1_000_001).unwrap();
    let given = ticket("b").put(Ticket::opened, then).insert(db).await?;
    assert_eq!(given.opened, then);
    Ok(())
});

on_every_backend!(composite_keys_are_given_and_found, async |db| {
    create_table::<Membership>(db).await?;
    let row = |club: &str, number| {
        new!(Membership {
            club: club.to_owned(),
            number,
            note: None
        })
    };
    let first = row("chess", 1).insert(db).await?;
    row("chess", 2).insert(db).await?;
    row("go", 1).insert(db).await?;
    assert_eq!(first.key(), ("chess".to_owned(), 1));
    assert_eq!(
        Membership::get(db, ("chess".to_owned(), 1)).await?,
        Some(first)
    );
    assert_eq!(Membership::get(db, ("go".to_owned(), 2)).await?, None);
    let error = row("go", 1).insert(db).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Constraint(_)),
        "{error:?}"
    );
    Ok(())
});

on_every_backend!(
    names_of_any_kind_and_embedded_structs_are_columns,
    async |db| {
        create_table::<Person>(db).await?;
        let home = Address {
            street: "High 1".to_owned(),
            zip: Some(1000),
        };
        let work = Address {
            street: "Low 2".to_owned(),
            zip: None,
        };
        let row = new!(Person {
            full_name: "Ann".to_owned(),
            group: 4,
            home_address: home.clone(),
            work: work.clone()
        });
        let row = row.insert(db).await?;
        assert_eq!(
            (&row.home_address, &row.work, &row.cached),
            (&home, &work, &None)
        );
        assert_eq!((row.full_name.as_str(), row.group), ("Ann", 4));
        let found = Person::query()
            .filter(Person::home_address.zip.eq(1000))
            .filter(
                Person::work
                    .street
                    .starts_with("Low")
                    .and(Person::work.zip.is_null()),
            )
            .filter(Person::group.eq(4))
            .order_by(Person::full_name.asc());
        assert_eq!(found.one(db).await?, row);
        let changed = row
            .change()
            .put(Person::work.zip, Some(5))
            .update(db)
            .await?;
        assert_eq!(changed.work.zip, Some(5));
        assert_eq!(Person::get(db, row.id).await?, Some(changed));
        let quote = db.dialect().features().quote();
        let table = match db.dialect() {
            Dialect::MariaDb => "`Order \"Lines\"`".to_owned(),
            _ => "\"Order \"\"Lines\"\"\"".to_owned(),
        };
        let names = [
            "fullName",
            "select",
            "home_address_street",
            "home_address_zip code",
            "w_street",
        ];
        let columns: Vec<_> = names
            .iter()
            .map(|name| format!("{quote}{name}{quote}"))
            .collect();
        let text = format!("select {} from {table}", columns.join(", "));
        let raw: (String, i64, String, i64, String) = sql(text).one(db).await?;
        assert_eq!(
            raw,
            ("Ann".into(), 4, "High 1".into(), 1000, "Low 2".into())
        );
        Ok(())
    }
);

on_every_backend!(
    a_changeset_without_a_required_column_is_invalid,
    async |db| {
        create_tables(db).await?;
        let error = Author::changeset().insert(db).await.unwrap_err();
        assert!(error.is_invalid(), "{error:?}");
        let fields: Vec<_> = error
            .fields()
            .iter()
            .map(|field| (field.field(), field.code()))
            .collect();
        assert_eq!(fields, [("name", "required")]);
        let inserted = Author::changeset()
            .put(Author::name, "Kurt")
            .insert(db)
            .await?;
        assert_eq!((inserted.name.as_str(), inserted.email), ("Kurt", None));
        Ok(())
    }
);
