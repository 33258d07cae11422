//! Bound values appear nowhere in an error, however the statement fails.

use estoult::{Dialect, batch, sql};

use super::all_texts;
use crate::support::on_every_backend;

const SECRET: &str = "swordfish-0815";

const TABLES: &str = "
    create table authors (id integer primary key, name varchar(40) not null unique, age integer, born date,
        constraint is_short check (length(name) < 16));
    create table books (author varchar(40) references authors (name), title varchar(8));
    insert into authors (id, name) values (1, 'swordfish-0815')";

const POSTGRES: &str = "
    create type mood as enum ('calm');
    create function refuse(word text) returns integer language plpgsql as $$ begin
        raise exception 'refused: %', word using detail = 'because of ' || word, hint = 'not ' || word;
    end $$;
    create view short as select name from authors where length(name) < 4 with check option";

const MYSQL: &str = "
    create table refused (word varchar(40));
    create trigger refuse before insert on refused for each row begin
        set @message = concat('refused: ', new.word);
        signal sqlstate '45000' set message_text = @message;
    end";

const SQLITE: &str = "
    create table counted (number integer) strict;
    create virtual table pages using fts5 (text);
    insert into pages (text) values ('a page');
    create table refused (word text);
    create trigger refuse before insert on refused begin
        select raise(abort, 'refused: ' || new.word);
    end";

/// What fails on every database with the secret as `:secret`.
const EVERYWHERE: [&str; 6] = [
    "insert into authors (id, name) values (2, :secret)",
    "insert into authors (id, name, age) values (1, 'x', length(:secret))",
    "insert into books (author) values (concat(:secret, '!'))",
    "insert into authors (id, name) values (3, concat(:secret, 'xx'))",
    "selec :secret",
    "select no_such_function(:secret)",
];

const OF_POSTGRES: [&str; 13] = [
    "insert into books (title) values (:secret)",
    "select cast(:secret as text)::integer",
    "select cast(:secret as text)::mood",
    "select cast(:secret as text)::json",
    r#"select (cast('{"a": ' as text) || cast(:secret as text))::jsonb"#,
    "select cast(:secret as text)::integer[]",
    "select cast(:secret as text)::date",
    "select cast(:secret as text)::regclass",
    "select to_tsquery(cast(:secret as text) || ' & | ''')",
    "select to_date(cast(:secret as text), 'YYYY')",
    "select set_config('TimeZone', cast(:secret as text), false)",
    "select refuse(:secret)",
    "insert into short values (:secret)",
];

const OF_MYSQL: [&str; 5] = [
    "insert into books (title) values (:secret)",
    "insert into authors (id, name, age) values (4, 'x', :secret)",
    "insert into authors (id, name, born) values (5, 'x', :secret)",
    "update authors set age = cast(:secret as decimal)",
    "insert into refused (word) values (:secret)",
];

const OF_SQLITE: [&str; 7] = [
    "insert into counted (number) values (:secret)",
    "select json(:secret)",
    "select json_extract('{}', :secret)",
    "select * from pages where pages match :secret",
    "select * from pages where pages match concat(:secret, ' \"')",
    "insert into refused (word) values (:secret)",
    "attach database concat('file:/no/such/folder/', :secret) as other",
];

on_every_backend!(a_bound_value_is_in_no_text_of_an_error, async |db| {
    let (script, own): (_, &[&str]) = match db.dialect() {
        Dialect::Postgres => (POSTGRES, &OF_POSTGRES),
        Dialect::Sqlite => (SQLITE, &OF_SQLITE),
        _ => (MYSQL, &OF_MYSQL),
    };
    batch(db, TABLES).await?;
    batch(db, script).await?;
    for statement in EVERYWHERE.iter().chain(own) {
        let asked = sql(*statement).bind("secret", SECRET.to_owned());
        let error = asked.execute(db).await.unwrap_err();
        let texts = all_texts(&error);
        // A full-text query is taken apart, so each of its words counts.
        for part in ["swordfish", "0815"] {
            assert!(!texts.contains(part), "{statement}: {texts}");
        }
    }
    Ok(())
});

on_every_backend!(a_bound_number_is_in_no_text_of_an_error, async |db| {
    let statements = match db.dialect() {
        Dialect::Postgres => [
            "select cast(:secret as bigint)::smallint",
            "select cast(:secret as bigint)::numeric(3, 1)",
        ],
        Dialect::Sqlite => [
            "select abs(-9223372036854775807 - 1 + 0 * :secret)",
            "select json_extract('{}', cast(:secret as text))",
        ],
        _ => [
            "select cast(1 as unsigned) - cast(:secret as unsigned)",
            "insert into numbers (number) values (:secret)",
        ],
    };
    sql("create table numbers (number smallint)")
        .execute(db)
        .await?;
    for statement in statements {
        let asked = sql(statement).bind("secret", 4_711_008_i64);
        let error = asked.execute(db).await.unwrap_err();
        assert!(!all_texts(&error).contains("4711008"), "{error:?}");
    }
    Ok(())
});
