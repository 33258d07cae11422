//! What a file means, and what is wrong with one.

use estoult_sql::syntax::Syntax;

use super::{Script, ScriptStep};
use crate::{
    header::{Ignore, quoted_id},
    problem::Problems,
};

fn parse(source: &str) -> Result<Script, Problems> {
    Script::parse(("a.sql", source), None, &Syntax::SQLITE)
}

fn problems(source: &str) -> String {
    parse(source).unwrap_err().to_string()
}

fn shape(steps: &[ScriptStep]) -> Vec<(Vec<&str>, Vec<&str>)> {
    steps
        .iter()
        .map(|step| {
            (
                step.migrate
                    .iter()
                    .map(|found| found.text.as_str())
                    .collect(),
                step.rollback
                    .iter()
                    .map(|found| found.text.as_str())
                    .collect(),
            )
        })
        .collect()
}

#[test]
fn a_file_has_a_header_and_steps() {
    let script = parse(
        "\u{feff}-- Add the contacts\n-- table\n-- depends: 1-a 2-b\n-- __depends__: {\"3-c\", \"\"}\n\
         -- transactional: false\n\n-- any comment: it is\n-- step ignore_errors=all name=first\n\
         create table a (b int);\n\n-- rollback\ndrop table a;\n-- step\nselect 1; select 2\n",
    )
    .unwrap();
    assert_eq!(
        script.header.message.as_deref(),
        Some("Add the contacts table")
    );
    assert_eq!(script.header.depends, ["1-a", "2-b", "3-c"]);
    assert!(!script.header.transactional);
    assert_eq!(script.steps[0].ignore_errors, Some(Ignore::All));
    assert_eq!(script.steps[0].name.as_deref(), Some("first"));
    let expected = [
        (vec!["create table a (b int)"], vec!["drop table a"]),
        (vec!["select 1", "select 2"], vec![]),
    ];
    assert_eq!(shape(&script.steps), expected);
}

#[test]
fn a_file_without_markers_has_a_step_a_statement() {
    let script = parse("create table a (b int);\ncreate table c (d int);").unwrap();
    assert_eq!(script.steps.len(), 2);
    assert_eq!(script.steps[1].migrate[0].line, 2);
    assert_eq!(script.header.message, None);
}

#[test]
fn a_rollback_marker_alone_makes_one_step() {
    let script = parse("select 1; select 2;\n-- rollback\nselect 3;").unwrap();
    assert_eq!(
        shape(&script.steps),
        [(vec!["select 1", "select 2"], vec!["select 3"])]
    );
}

#[test]
fn a_companion_pairs_from_the_end() {
    let companion = Some(("a.rollback.sql", "drop table b; drop table a;"));
    let script = Script::parse(
        ("a.sql", "create table a (x int); create table b (y int);"),
        companion,
        &Syntax::SQLITE,
    )
    .unwrap();
    let expected = [
        (vec!["create table a (x int)"], vec!["drop table a"]),
        (vec!["create table b (y int)"], vec!["drop table b"]),
    ];
    assert_eq!(shape(&script.steps), expected);
}

#[test]
fn a_companion_of_a_file_with_markers_is_refused() {
    let companion = Some(("a.rollback.sql", "drop table a;"));
    let error = Script::parse(("a.sql", "-- step\nselect 1"), companion, &Syntax::SQLITE);
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("pairs with nothing")
    );
}

#[test]
fn an_unknown_directive_is_reported_with_the_nearest() {
    assert_eq!(
        problems("-- dependz: 1-a\nselect 1"),
        "a.sql:1: unknown directive `dependz`: did you mean `depends`?"
    );
    assert!(problems("-- x\n\n-- transactionl: false\nselect 1").contains("`transactional`?"));
    for comment in [
        "-- owner: me",
        "-- x\n\n-- see: the wiki",
        "-- Copyright 2024 Ada Lovelace\n-- SPDX-License-Identifier: BUSL-1.1",
        "-- Step 1: add a column",
        "-- Rollback: drop table a;",
    ] {
        assert!(parse(&format!("{comment}\nselect 1")).is_ok(), "{comment}");
    }
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let found = problems(
        "-- timeout: 10min\n-- transactional: no\n-- ignore_errors: some\n-- message: a\n\
         -- message: b\nselect 1;\n-- depends: 1-a\n-- step ignore_error=all\n-- rollback\n\
         -- rollback\nselect 2;",
    );
    let expected = [
        "a.sql:1: the directive `timeout` is not supported by this version of rider",
        "a.sql:2: `transactional` is `true` or `false`, not `no`",
        "a.sql:3: `ignore_errors` is `migrate`, `rollback` or `all`, not `some`",
        "a.sql:5: the directive `message` is given twice",
        "a.sql:7: the directive `depends` is after the first statement or marker",
        "a.sql:8: unknown option `ignore_error` of `-- step`: did you mean `ignore_errors`?",
        "a.sql:10: a second `-- rollback` in one step",
    ];
    assert_eq!(found.lines().count(), expected.len(), "{found}");
    for (line, start) in found.lines().zip(expected) {
        assert!(line.starts_with(start), "{line}\n{start}");
    }
}

#[test]
fn a_directive_behind_a_block_comment_is_not_lost() {
    assert!(problems("/* x */\n-- depends: 1-a\nselect 1").contains("a.sql:2: the directive"));
}

#[test]
fn comments_that_look_like_markers_move_no_statement() {
    let text = "create table a (b int);\n-- Rollback:\n-- drop table a;\ncreate table c (d int);\n\
                -- Step 2: more\ncreate table e (f int);";
    let script = parse(text).unwrap();
    assert_eq!(script.steps.len(), 3);
    assert!(script.steps.iter().all(|step| step.rollback.is_empty()));
}

#[test]
fn a_licence_is_no_message() {
    let text =
        "-- Copyright 2024 Ada Lovelace\n-- SPDX-License-Identifier: MIT\n-- Adds users\nselect 1";
    let script = parse(text).unwrap();
    assert_eq!(script.header.message.as_deref(), Some("Adds users"));
}

#[test]
fn ids_with_blanks_and_quotes_stand_in_quotes() {
    let ids = ["1-add email", "2-o\"neil", "3-it's", "4-plain", "5-{a, b}"];
    let value: Vec<_> = ids.map(quoted_id).into();
    assert_eq!(value[0], "\"1-add email\"");
    assert_eq!(value[3], "4-plain");
    let script = parse(&format!("-- depends: {}\nselect 1", value.join(" "))).unwrap();
    assert_eq!(script.header.depends, ids);
    let error = problems("-- depends: \"1-a 2-b\nselect 1");
    assert!(error.contains("does not end with it"), "{error}");
}

#[test]
fn a_file_says_that_it_is_empty() {
    assert!(parse("-- empty: true\n").unwrap().header.empty);
    assert!(problems("-- empty: yes\n").contains("`empty` is `true` or `false`"));
}
