//! What a database adds to its message, in each form that holds values of rows: the values are left out.

use estoult::{Database, Dialect, Error, batch, sql};

use crate::support::on_every_backend;

const TABLES: &str = "
    create table authors (id integer primary key, name varchar(20) not null, email varchar(20) unique,
        age integer check (age > 0));
    create table books (id integer primary key, author_id integer references authors (id));
    insert into authors (id, name, email, age) values (471100, 'Kurt', 'kurt@x.org', 84);
    insert into books (id, author_id) values (1, 471100)";

/// A statement that fails, and the detail in which PostgreSQL says why.
type Case = (&'static str, &'static str);

const CONSTRAINTS: [Case; 6] = [
    (
        "insert into authors (id, name, email) values (2, 'Kurt', 'kurt@x.org')",
        "Key (email)=(…) already exists.",
    ),
    (
        "insert into authors (id, name) values (471100, 'Kurt')",
        "Key (id)=(…) already exists.",
    ),
    (
        "insert into books (id, author_id) values (2, 471101)",
        r#"Key (author_id)=(…) is not present in table "authors"."#,
    ),
    (
        "delete from authors where id = 471100",
        r#"Key (id)=(…) is still referenced from table "books"."#,
    ),
    (
        "insert into authors (id, name, email) values (3, null, 'kurt@x.org')",
        "Failing row contains (…).",
    ),
    (
        "insert into authors (id, name, age) values (4, 'kurt@x.org)=(4711', -471100)",
        "Failing row contains (…).",
    ),
];

async fn refusal(db: &Database, statement: &str) -> Error {
    sql(statement).execute(db).await.unwrap_err()
}

on_every_backend!(
    a_broken_constraint_is_described_without_its_values,
    async |db| {
        batch(db, TABLES).await?;
        for (statement, expected) in CONSTRAINTS {
            let error = refusal(db, statement).await;
            assert!(error.constraint().is_some(), "{error:?}");
            let expected = Some(expected).filter(|_| db.dialect() == Dialect::Postgres);
            assert_eq!(error.detail(), expected);
            let answer = error.database_error().unwrap().to_string();
            for value in ["kurt@x.org", "47110"] {
                assert!(!answer.contains(value), "{answer}");
                assert!(!error.message().contains(value), "{error}");
            }
        }
        Ok(())
    }
);

const POSTGRES_TABLES: &str = "
    create type mood as enum ('calm');
    create domain adult as integer check (value > 17);
    create table rooms (during int4range, exclude using gist (during with &&));
    insert into rooms values ('[471100,471200)');
    create table years (year integer) partition by list (year);
    create table keys (id integer generated always as identity, name text);
    insert into keys (name) values ('kurt@x.org'), ('kurt@x.org');
    create view short as select name from keys where length(name) < 4 with check option";

/// What fails, the code, PostgreSQL's message, and its detail.
type PostgresCase = (
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
);

const REFUSED_ROWS: [PostgresCase; 5] = [
    (
        "insert into rooms values ('[471150,471160)')",
        "23P01",
        r#"conflicting key value violates exclusion constraint "rooms_during_excl""#,
        Some("Key (during)=(…) conflicts with existing key (during)=(…)."),
    ),
    (
        "insert into years values (471100)",
        "23514",
        r#"no partition of relation "years" found for row"#,
        Some("Partition key of the failing row contains (…)."),
    ),
    (
        "create unique index on keys (lower(name), name)",
        "23505",
        r#"could not create unique index "keys_lower_name_idx""#,
        Some("Key (lower(name), name)=(…) is duplicated."),
    ),
    (
        "insert into short values ('kurt@x.org')",
        "44000",
        r#"new row violates check option for view "short""#,
        Some("Failing row contains (…)."),
    ),
    (
        "insert into keys (id, name) values (471100, 'kurt@x.org')",
        "428C9",
        r#"cannot insert a non-DEFAULT value into column "id""#,
        Some(r#"Column "id" is an identity column defined as GENERATED ALWAYS."#),
    ),
];

const REFUSED_VALUES: [PostgresCase; 10] = [
    (
        "select 'kurt@x.org'::text::integer",
        "22P02",
        r#"invalid input syntax for type integer: "…""#,
        None,
    ),
    (
        "select '4711004711'::text::integer",
        "22003",
        r#"value "…" is out of range for type integer"#,
        None,
    ),
    (
        "select 4711.00::numeric(3, 1)",
        "22003",
        "numeric field overflow",
        Some("A field with precision 3, scale 1 must round to an absolute value less than 10^2."),
    ),
    ("select 471100 / 0", "22012", "division by zero", None),
    (
        "select 'kurt@x.org'::text::mood",
        "22P02",
        r#"invalid input value for enum mood: "…""#,
        None,
    ),
    (
        "select '4711-00-01'::text::date",
        "22008",
        r#"date/time field value out of range: "…""#,
        None,
    ),
    (
        r#"select '{"a": kurt@x.org}'::text::json"#,
        "22P02",
        "invalid input syntax for type json",
        Some(r#"Token "…" is invalid."#),
    ),
    (
        "select 'kurt@x.org'::text::integer[]",
        "22P02",
        r#"malformed array literal: "…""#,
        Some(r#"Array value must start with "…" or dimension information."#),
    ),
    (
        "select to_date('kurt@x.org', 'YYYY')",
        "22007",
        r#"invalid value "…""#,
        Some("Value must be an integer."),
    ),
    (
        "select 'kurt@x.org'::varchar(20)::text::char(3)::text::uuid",
        "22P02",
        r#"invalid input syntax for type uuid: "…""#,
        None,
    ),
];

on_every_backend!(each_form_of_postgres_is_kept_without_values, async |db| {
    if db.dialect() != Dialect::Postgres {
        let error = refusal(db, "select 'kurt@x.org'::text::integer").await;
        assert_eq!((error.detail(), error.hint()), (None, None));
        return Ok(());
    }
    batch(db, POSTGRES_TABLES).await?;
    for (statement, code, message, detail) in REFUSED_ROWS.into_iter().chain(REFUSED_VALUES) {
        let error = refusal(db, statement).await;
        let answer = error.database_error().unwrap();
        assert_eq!(
            (answer.code(), answer.message(), answer.detail()),
            (code, message, detail)
        );
        let written = format!("{answer:?} {}", error.message());
        for value in ["kurt@x.org", "4711"] {
            assert!(!written.contains(value), "{written}");
        }
    }
    let error = refusal(db, "select 9::adult").await;
    let answer = error.database_error().unwrap();
    assert_eq!(
        (answer.schema(), answer.data_type(), answer.constraint()),
        (Some("public"), Some("adult"), Some("adult_check"))
    );
    Ok(())
});
