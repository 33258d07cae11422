//! Values of every type as the shell shows them, and those that it can't read.

use estoult::{Cell, Database, Datum, sql};

use super::{of, run};
use crate::support::{Backend, Fresh, on_every_backend};

fn shows(backend: Backend, script: &str) {
    let fresh = Fresh::new(backend);
    let arguments = ["shell", "--format", "expanded", "--url", &fresh.url];
    let said = run(&arguments, script);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    insta::assert_snapshot!(of(backend, "values"), said.out);
}

#[test]
fn every_type_of_sqlite_is_shown() {
    shows(
        Backend::Sqlite,
        "select 1 as whole, -9223372036854775808 as least, 0.1 as broken, 1e300 as large, 'text' as text,
            '' as empty, x'00ff' as bytes, null as missing, date('2024-02-29') as day;",
    );
}

#[test]
fn every_type_of_postgres_is_shown() {
    shows(
        Backend::Postgres,
        "create type mood as enum ('well', 'ill'); create domain age as int;
        select true as bool, 1::int2 as int2, 2::int4 as int4, 3::int8 as int8, 4::oid as oid,
            0.1::float4 as float4, 'NaN'::float8 as float8, 123.450::numeric as numeric,
            'text'::text as text, 'c'::char(3) as bpchar, 'name'::name as name, '\\x00ff'::bytea as bytea,
            '2024-02-29'::date as date, '12:34:56.789'::time as time,
            '2024-02-29 12:34:56'::timestamp as timestamp, '2024-02-29 12:34:56+02'::timestamptz as timestamptz,
            'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid as uuid, '{\"b\": 1, \"a\": [2]}'::json as json,
            '{\"b\": 1, \"a\": [2]}'::jsonb as jsonb, 'ill'::mood as enum, 7::age as domain, null::int as nothing,
            'NaN'::numeric as no_number, 'infinity'::date as never, '1 day'::interval as interval,
            '{1, 2}'::int[] as list, '127.0.0.1'::inet as inet, '(1,2)'::point as point;",
    );
}

#[test]
fn every_type_of_mariadb_is_shown() {
    shows(
        Backend::MySql,
        "create table t (tiny tinyint, small smallint, medium mediumint, whole int, big bigint,
            huge bigint unsigned, single_float float, double_float double, exact decimal(10, 3), fixed char(3),
            text varchar(10), long_text longtext, bytes varbinary(4), day date, time time(3), long_time time,
            at datetime(3), instant timestamp null, year year, bits bit(4), choice enum('a', 'b'),
            choices set('a', 'b'), document json, place point, nothing int);
        set time_zone = '+00:00';
        insert into t values (1, 2, 3, 4, 5, 18446744073709551615, 0.5, 1e300, 123.45, 'c', 'text', 'long', x'00ff',
            '2024-02-29', '12:34:56.789', '100:00:00', '2024-02-29 12:34:56.789', '2024-02-29 12:34:56', 2024,
            b'1010', 'b', 'a,b', '{\"b\": 1}', point(1, 2), null);
        select * from t;",
    );
}

on_every_backend!(
    records_have_columns_without_rows_and_tell_what_changed,
    async |db| {
        sql("create table books (id integer primary key, title varchar(10))")
            .execute(db)
            .await?;
        let none = sql("select id, title from books").records(db).await?;
        assert_eq!(none.columns(), ["id", "title"]);
        assert!(none.rows().is_empty());
        let inserted =
            sql("insert into books (id, title) values (:id, 'a'), (2, null)").bind("id", 1);
        let inserted = inserted.records(db).await?;
        assert!(inserted.columns().is_empty());
        assert_eq!(inserted.rows_affected(), 2);
        let created = sql("create table other (id integer)").records(db).await?;
        assert_eq!((created.columns().len(), created.rows_affected()), (0, 0));
        let books = sql("select id, title from books order by id")
            .records(db)
            .await?;
        assert_eq!(books.rows()[0][0].as_datum(), Some(&Datum::Int(1)));
        assert_eq!(books.rows()[1], [Cell::Value(Datum::Int(2)), Cell::Null]);
        let text: Vec<_> = books.rows().concat().iter().map(Cell::to_string).collect();
        assert_eq!(text, ["1", "a", "2", "NULL"]);
        Ok(())
    }
);

on_every_backend!(
    a_pinned_connection_tells_whether_a_transaction_was_begun_on_it,
    async |db: &Database| {
        let pinned = db.pin().await?;
        assert!(!pinned.is_in_transaction().await);
        sql("begin").verbatim().records(&pinned).await?;
        assert!(pinned.is_in_transaction().await);
        sql("rollback").verbatim().records(&pinned).await?;
        assert!(!pinned.is_in_transaction().await);
        Ok(())
    }
);
