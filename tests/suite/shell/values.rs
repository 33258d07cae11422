//! Values of every type as the shell shows them, and those that it can't read.

use insta::assert_snapshot;

use super::run;
use crate::support::{Backend, Fresh};

fn shown(backend: Backend, script: &str) -> String {
    let fresh = Fresh::new(backend);
    let arguments = ["shell", "--format", "expanded", "--url", &fresh.url];
    let said = run(&arguments, script);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    said.out
}

#[test]
fn every_type_of_sqlite_is_shown() {
    let text = shown(
        Backend::Sqlite,
        "select 1 as whole, -9223372036854775808 as least, 0.1 as broken, 1e300 as large, 'text' as text,
            '' as empty, x'00ff' as bytes, null as missing, date('2024-02-29') as day;",
    );
    assert_snapshot!(text, @r"
    -- row 1 --
    whole   | 1
    least   | -9223372036854775808
    broken  | 0.1
    large   | 1e300
    text    | text
    empty   | 
    bytes   | \x00ff
    missing | NULL
    day     | 2024-02-29
    (1 row)
    ");
}

#[test]
fn every_type_of_postgres_is_shown() {
    let text = shown(
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
    assert_snapshot!(text, @r#"
    done
    done
    -- row 1 --
    bool        | true
    int2        | 1
    int4        | 2
    int8        | 3
    oid         | 4
    float4      | 0.10000000149011612
    float8      | NaN
    numeric     | 123.450
    text        | text
    bpchar      | c  
    name        | name
    bytea       | \x00ff
    date        | 2024-02-29
    time        | 12:34:56.789000
    timestamp   | 2024-02-29 12:34:56.000000
    timestamptz | 2024-02-29 10:34:56.000000+00:00
    uuid        | a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11
    json        | {"b": 1, "a": [2]}
    jsonb       | {"a": [2], "b": 1}
    enum        | ill
    domain      | 7
    nothing     | NULL
    no_number   | <the number is infinite or not a number>
    never       | <the date is infinite>
    interval    | <a value of type `interval`>
    list        | <a value of type `_int4`>
    inet        | <a value of type `inet`>
    point       | <a value of type `point`>
    (1 row)
    "#);
}

#[test]
fn every_type_of_mariadb_is_shown() {
    let text = shown(
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
    assert_snapshot!(text, @r#"
    done
    done
    done, 1 row affected
    -- row 1 --
    tiny         | 1
    small        | 2
    medium       | 3
    whole        | 4
    big          | 5
    huge         | 18446744073709551615
    single_float | 0.5
    double_float | 1e300
    exact        | 123.450
    fixed        | c
    text         | text
    long_text    | long
    bytes        | \x00ff
    day          | 2024-02-29
    time         | 12:34:56.789000
    long_time    | <the time is below zero or longer than a day, so it is no time of day>
    at           | 2024-02-29 12:34:56.789000
    instant      | 2024-02-29 12:34:56.000000+00:00
    year         | 2024
    bits         | 10
    choice       | b
    choices      | a,b
    document     | {"b": 1}
    place        | <a value of type `GEOMETRY`>
    nothing      | NULL
    (1 row)
    "#);
}
