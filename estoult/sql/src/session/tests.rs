//! Texts and what they may change of their connection.

use proptest::prelude::{ProptestConfig, prop_assert, proptest};

use super::{Effects, effects};
use crate::{
    functions::{COMMON, KEYWORDS},
    syntax::Syntax,
};

const SERVERS: [&Syntax; 2] = [&Syntax::POSTGRES, &Syntax::MYSQL];

fn assert_effects(text: &str, syntax: &Syntax, expected: Effects) {
    assert_eq!(effects(text, syntax), expected, "{}: {text}", syntax.name);
}

#[test]
fn reading_and_changing_rows_leaves_the_connection_alone() {
    for text in [
        "",
        ";",
        "-- nothing",
        "select 1",
        "select 1;",
        "SELECT Lower(name), count(*) FROM users WHERE id IN (1, 2)",
        "(select 1) union all (select 2)",
        "with a (b) as (select 1) select * from a",
        "with recursive a(b) as (select 1 union all select b + 1 from a) select * from a",
        "select 'set x', 'get_lock(', ';begin the beguine'",
        "select a.b from c a where (a.b = 1) and exists (select 1)",
        "select cast(a as decimal(10, 2)) from b",
        "select case when (a) then (b) else (c) end from d",
        "select sum(a) over (partition by b order by c) from d window w as (order by e)",
        "insert into users (name, age) values ('a', 1), ('b', 2)",
        "insert into shop.users (name) select name from others",
        "insert into users(name) values (upper('a')) returning id",
        "update users set name = concat(name, 'x') where id = 1",
        "delete from users where id in (select user_id from bans)",
        "values (1), (2)",
        "select * from a join b using (id) left join c on (c.id = a.id)",
        "select 1; select 2; delete from a",
        "explain select lower(a) from b",
        "select * from (values (1, 2)) t(a, b)",
        "select a from b for update",
    ] {
        for syntax in SERVERS {
            assert_effects(text, syntax, Effects::NONE);
        }
    }
}

#[test]
fn columns_aliases_and_types_are_no_calls() {
    for text in [
        "select a::numeric(10, 2), '(', $1::varchar(20) from b",
        "select * from unnest($1, $2) as t(a, b)",
        "select * from unnest($1, $2) t(a, b)",
        "select distinct on (a) lower(b) from c",
        "insert into \"t\" (\"a\") values ($1) on conflict (\"a\") do update set b = excluded.b",
        "insert into \"s\".\"t\" (\"a\") select * from unnest($1)",
        "merge into a using b on (a.c = b.c) when matched then delete",
        "select pg_advisory_xact_lock(1), nextval('a')",
        "explain (analyze, format json) select 1",
        "set local role a",
        "set constraints all deferred",
        "lock table a in share mode",
        "notify a, 'b'",
        "select e'it\\'s'",
        "copy a from stdin",
        "copy a (b, c) from stdin (format csv, force_null (b)) where lower(b) > 'c'",
        "copy a to '/tmp/a'",
        "copy (select lower(b) from a) to stdout with (format csv, force_quote (b))",
        "select $$set x$$",
    ] {
        assert_effects(text, &Syntax::POSTGRES, Effects::NONE);
    }
    for text in [
        "insert into `t` (`a`) values (?) on duplicate key update a = values(a)",
        "insert ignore into t (a) values (1)",
        "replace into t (a) values (1)",
        "select @a, ifnull(a, 1), group_concat(a order by a separator ',') from b",
        "select a from b use index (c)",
        "select * from json_table(?, '$[*]' columns (a varchar(20) path '$')) t",
        "show tables",
        "analyze update a set b = upper(b)",
        "analyze format=json select count(*) from a",
        "describe users",
        "select is_used_lock('a'), sleep(0)",
        "select a from b where c like '50\\%'",
    ] {
        assert_effects(text, &Syntax::MYSQL, Effects::NONE);
    }
}

#[test]
fn what_changes_the_session_is_seen() {
    for text in [
        "select my_function(1)",
        "select my_function (1)",
        "select shop.lower('a')",
        "select 1 where (true) and my_function(1)",
        "insert into a (b) values (my_function(1))",
        "insert into a select my_function(1)",
        "with a as (select my_function(1)) select * from a",
        "select a into b from c",
        "select (select my_function(1))",
        "explain select my_function(1)",
    ] {
        for syntax in SERVERS {
            assert_effects(text, syntax, Effects::SESSION);
        }
    }
    for text in [
        "select set_config('role', 'a', false)",
        "select pg_advisory_lock(1)",
        "select setseed(0.5)",
        "select distinct on (a) my_function(b) from c",
        "select (a) operator(pg_catalog.+) my_function(b) from c",
        "select \"my_function\"(1)",
        "select a[1:my_function(2)] from b",
        "select * into temp a from b",
        "select * from dblink('a', 'b') as t(a int)",
        "copy (select set_config('role', 'b', false)) to stdout",
        "copy (select 1 from (select my_function(1)) as a) to stdout (format csv)",
        "copy a (b) from stdin (format csv) where my_function(b)",
        "select (a).my_function from b a",
        "select (a).\"my_function\" from b a",
        "select (a)[1].my_function from b a",
        "select a[1].my_function from b",
        "select $1.my_function",
        "select a from b where c[1]. my_function > 0",
    ] {
        assert_effects(text, &Syntax::POSTGRES, Effects::SESSION);
    }
    for text in [
        "select get_lock('a', 1)",
        "select release_all_locks()",
        "select @a := 1",
        "update b set c = (@a:=@a+1)",
        "analyze update a set b = get_lock('a', 1)",
        "analyze format=json insert into a select get_lock('a', 1)",
        "analyze delete from a where b = (@c := 1)",
        "select 1 into @a",
        "select `my_function`(1)",
    ] {
        assert_effects(text, &Syntax::MYSQL, Effects::SESSION);
    }
}

#[test]
fn what_begins_and_ends_transactions_is_seen() {
    for text in [
        "begin",
        "/* x */ begin",
        "-- start\nbegin; insert into a values (1)",
        "begin; insert into a values ('a; rollback; b')",
        "start transaction read only",
        "commit",
        "commit and chain",
        "commit and chain no release",
        "rollback to a",
        "savepoint a",
        "release savepoint a",
        "create table a (b varchar(20))",
        "create or replace view a as select lower(b) from c",
        "drop table a",
        "truncate a",
        "grant select on a to b",
        "create table if not exists s.a (b int default (1), c text, primary key (b), check (b > 1))",
        "create table a (b int references c (d), e decimal(10, 2), unique (b, e), foreign key (b) references c (d))",
        "create unique index a on b (c, lower(d))",
        "create index a on s.b using btree (c)",
        "create table a (b int) partition by hash (b)",
        "create view a (b) as select lower(c) from d",
        "alter table a add constraint b foreign key (c) references d (e)",
        "create table a as values (1), (lower('a'))",
    ] {
        for syntax in SERVERS {
            assert_effects(text, syntax, Effects::TRANSACTION);
        }
    }
    for text in [
        "create function my_function(a int) returns int language sql as $$ select 1 $$",
        "drop function my_function(int)",
        "create trigger a before insert on b for each row execute function my_function()",
        "alter table a alter b type bigint using b::bigint",
        "alter table a add exclude using gist (b with =)",
    ] {
        assert_effects(text, &Syntax::POSTGRES, Effects::TRANSACTION);
    }
    for text in [
        "create table a (b int, key c (b), unique key d (b), index e using btree (b))",
        "analyze table a",
        "analyze no_write_to_binlog table a",
    ] {
        assert_effects(text, &Syntax::MYSQL, Effects::TRANSACTION);
    }
}

#[test]
fn definitions_that_run_something_are_seen() {
    for text in [
        "create table a as values (my_function(1))",
        "create table a as select * from b join c on my_function(b.d)",
        "create table a (b) as with c as (select my_function(1)) select * from c",
        "create view a as select my_function(1)",
        "alter table a add b int default my_function()",
        "alter table a add check (my_function(b) > 1)",
        "create index a on b (my_function(c))",
    ] {
        for syntax in SERVERS {
            assert_effects(text, syntax, Effects::ALL);
        }
    }
    for text in [
        "create table a as execute b",
        "create table \"pg_temp\".a (b int)",
        "create table PG_TEMP_3.a (b int)",
        "create materialized view a as select set_config('role', 'b', false)",
        "alter table a alter b type text using my_function(b)",
        "alter table a alter b type text using hash(b)",
        "alter table a alter b type text using (set_config('role', b, false))",
        "alter table a set schema \"pg_temp\"",
        "refresh materialized view a",
    ] {
        assert_effects(text, &Syntax::POSTGRES, Effects::ALL);
    }
    assert_effects("drop database shop", &Syntax::MYSQL, Effects::ALL);
}

#[test]
fn what_is_not_known_counts_as_both() {
    for text in [
        "set a = 1",
        "SET search_path TO a",
        "call a()",
        "prepare a from 'select 1'",
        "prepare transaction 'a'",
        "create temporary table a (b int)",
        "drop temporary table a",
        "select 1; set a = 1; begin",
        "do $$ begin end $$",
        "nonsense",
        "select 'a",
        "explain create table a as select 1",
        "commit release",
    ] {
        for syntax in SERVERS {
            assert_effects(text, syntax, Effects::ALL);
        }
    }
    for text in [
        "create temp table a (b int)",
        "create table pg_temp.a (b int)",
        "set session role a",
        "listen a",
        "discard all",
        "declare a cursor with hold for select 1",
        "copy (execute a) to stdout",
    ] {
        assert_effects(text, &Syntax::POSTGRES, Effects::ALL);
    }
    for text in [
        "use shop",
        "xa start 'a'",
        "xa commit 'a'",
        "lock tables a write",
        "set local sort_buffer_size = 1",
        "set transaction isolation level serializable",
        "select 1 /*!40101 into @a */",
        "select 'it\\'s'",
        "handler a open",
        "begin not atomic select 1; end",
        "set statement max_statement_time = 1 for select 1",
        "drop prepare a",
        "create table a as select get_lock('b', 1)",
        "flush tables with read lock",
        "kill 1",
    ] {
        assert_effects(text, &Syntax::MYSQL, Effects::ALL);
    }
}

#[test]
fn the_words_of_a_line_begin_with_one_letter() {
    let lists = Syntax::ALL.map(|syntax| syntax.functions);
    for line in lists.into_iter().chain([&KEYWORDS[..], &COMMON]).flatten() {
        let first = &line[..1];
        assert!(
            line.split(' ').all(|word| word.starts_with(first)),
            "{line}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_text_is_judged(text: String) {
        for syntax in &Syntax::ALL {
            let _ = effects(&text, syntax);
        }
    }

    #[test]
    fn a_call_is_seen_wherever_it_is(before in "[a-z1-9, ()=]{0,30}", after in "[a-z1-9, ()]{0,30}") {
        // Behind these words a name with parentheses is a table, an alias or a type.
        let is_name = ["into", "as", "with", "recursive", ")"];
        if !is_name.iter().any(|word| before.trim_end().ends_with(word)) {
            let text = format!("select {before} my_function(1) {after}");
            prop_assert!(effects(&text, &Syntax::MYSQL).session, "{text}");
        }
    }
}
