//! What is split where.

use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::{Piece, Role, Unterminated, statements, typed};
use crate::syntax::Syntax;

fn split<'s>(source: &'s str, syntax: &Syntax) -> Result<Vec<Piece<'s>>, Unterminated> {
    super::split(source, syntax, |comment| {
        let word = comment.trim_start_matches(['-', ' ']).to_lowercase();
        word.starts_with("step") || word.starts_with("rollback")
    })
}

fn texts(source: &str, syntax: &Syntax) -> Vec<String> {
    statements(1, source, syntax)
        .unwrap()
        .into_iter()
        .map(|statement| statement.text)
        .collect()
}

#[test]
fn a_semicolon_ends_a_statement_and_comments_are_left_out() {
    let source = "-- one\ncreate table a (b int); -- two\n\n/* three; */ drop table a;\n";
    for syntax in &Syntax::ALL {
        assert_eq!(
            texts(source, syntax),
            ["create table a (b int)", "drop table a"]
        );
    }
}

#[test]
fn a_statement_knows_its_line() {
    let found = statements(10, "select 1;\n\n-- x\nselect\n2;select 3", &Syntax::SQLITE);
    let lines: Vec<usize> = found.unwrap().iter().map(|found| found.line).collect();
    assert_eq!(lines, [10, 13, 14]);
}

#[test]
fn strings_and_quoted_names_keep_semicolons() {
    let source = "insert into a values ('it''s; ok'); select \"a;b\"; select 1";
    for syntax in &Syntax::ALL {
        assert_eq!(texts(source, syntax).len(), 3, "{}", syntax.name);
    }
    assert_eq!(
        texts("select `a;b`; select [c;d]", &Syntax::SQLITE).len(),
        2
    );
    assert_eq!(texts("select `a;b`; select 2", &Syntax::MYSQL).len(), 2);
}

#[test]
fn a_backslash_escapes_where_the_database_says_so() {
    assert_eq!(texts(r"select 'a\'; b'; select 2", &Syntax::MYSQL).len(), 2);
    assert_eq!(texts(r"select 'a\'; select 2", &Syntax::POSTGRES).len(), 2);
    assert_eq!(
        texts(r"select e'a\';''\'b'; select 2", &Syntax::POSTGRES).len(),
        2
    );
}

#[test]
fn dollar_quotes_keep_semicolons() {
    let source = "create function f() returns int as $body$ begin; $$ ;; $$ end; $body$ language sql; select $$;$$";
    assert_eq!(texts(source, &Syntax::POSTGRES).len(), 2);
    assert_eq!(texts("select a$b; select $1;", &Syntax::POSTGRES).len(), 2);
}

#[test]
fn block_comments_nest_in_postgresql_only() {
    let source = "select 1 /* a /* b */ ; */; select 2";
    assert_eq!(texts(source, &Syntax::POSTGRES).len(), 2);
    assert_eq!(
        texts("select 1 /* a /* b */; select 2", &Syntax::SQLITE).len(),
        2
    );
}

#[test]
fn the_body_of_a_trigger_is_one_statement() {
    let source = "create temp trigger t after insert on a begin
        update a set b = case when new.end then 1 else 2 end;
        delete from c;
    end;
    select 1";
    assert_eq!(texts(source, &Syntax::SQLITE).len(), 2);
}

#[test]
fn the_body_of_a_procedure_is_one_statement() {
    let source = "create definer = 'a'@localhost procedure p() begin
        if x then select 1; end if;
        outer_loop: loop leave outer_loop; end loop outer_loop;
        case x when 1 then select 2; end case;
        begin select 3; end;
    end; select 4; begin; commit";
    assert_eq!(texts(source, &Syntax::MYSQL).len(), 4);
    assert_eq!(
        texts("begin not atomic select 1; end; select 2", &Syntax::MYSQL).len(),
        2
    );
}

#[test]
fn the_atomic_body_of_a_function_is_one_statement() {
    let source = "create or replace function f() returns int \
        begin atomic select 1; select case when true then 2 end; end; select 3";
    assert_eq!(texts(source, &Syntax::POSTGRES).len(), 2);
}

#[test]
fn a_rule_keeps_its_parenthesised_statements() {
    let source = "create rule r as on insert to a do also (delete from b; delete from c); select 1";
    assert_eq!(texts(source, &Syntax::POSTGRES).len(), 2);
}

#[test]
fn a_changed_delimiter_ends_statements() {
    let source = "delimiter //\ncreate procedure p() begin select ';//'; select 2; end//\ndelimiter ;\nselect 3;";
    let expected = [
        "create procedure p() begin select ';//'; select 2; end",
        "select 3",
    ];
    assert_eq!(texts(source, &Syntax::MYSQL), expected);
    let source = "DELIMITER $$\nselect 1; select 2 end$$\nselect 3$$";
    assert_eq!(
        texts(source, &Syntax::MYSQL),
        ["select 1; select 2 end", "select 3"]
    );
}

#[test]
fn a_versioned_comment_of_mysql_is_run() {
    assert_eq!(
        texts("/*!40101 set names utf8 */; select 1", &Syntax::MYSQL).len(),
        2
    );
    assert_eq!(
        texts("/*!40101 set names utf8 */; select 1", &Syntax::SQLITE).len(),
        1
    );
}

#[test]
fn markers_stand_between_statements_only() {
    let source =
        "-- step\nselect 1\n  -- Rollback\nselect '\n-- step\n'; -- step\nselect (\n-- step\n1)";
    let pieces = split(source, &Syntax::SQLITE).unwrap();
    let markers: Vec<(&str, usize)> = pieces
        .iter()
        .filter(|piece| piece.role == Role::Marker)
        .map(|piece| (piece.text, piece.line))
        .collect();
    assert_eq!(markers, [("-- step", 1), ("-- Rollback", 3)]);
    let body = "create trigger t after insert on a begin\n-- rollback\nselect 1; end;";
    let pieces = split(body, &Syntax::SQLITE).unwrap();
    assert!(pieces.iter().all(|piece| piece.role != Role::Marker));
}

#[test]
fn what_is_never_closed_is_told_with_its_line() {
    let error = split("select 1;\nselect 'x;", &Syntax::SQLITE).unwrap_err();
    assert_eq!(error.line, 2);
    assert_eq!(
        error.to_string(),
        "the string that begins here is never closed"
    );
    let error = statements(10, "select 1;\nselect 'x;", &Syntax::SQLITE).unwrap_err();
    assert_eq!(error.line, 11);
    let error = split("/* x", &Syntax::MYSQL).unwrap_err();
    assert_eq!(error.line, 1);
    assert_eq!(
        error.to_string(),
        "the comment that begins here is never closed"
    );
}

/// Fragments that may meet each other in any order.
fn script() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        any::<char>().prop_map(String::from),
        prop::sample::select(vec![
            ";",
            "'",
            "''",
            "\"",
            "`",
            "--",
            "-- step\n",
            "\n",
            " ",
            "/*",
            "*/",
            "$$",
            "$a$",
            "e'",
            "\\",
            "begin ",
            "end",
            "case ",
            "create trigger ",
            "(",
            ")",
            "delimiter //\n",
            "//",
            "[",
            "]",
            "#",
            "x",
            "é",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(fragment, 0..40).prop_map(|fragments| fragments.concat())
}

/// Parts that hold a semicolon that ends nothing, for all databases alike.
fn kept() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z;\n-]{0,12}".prop_map(|text| format!("'{text}'")),
        "[a-z;' \n-]{0,12}".prop_map(|text| format!("\"{text}\"")),
        "[a-z;' \n-]{0,12}".prop_map(|text| format!("/*{text}*/")),
        "[a-z;' ]{0,12}".prop_map(|text| format!("-- x{text}\n")),
    ]
}

proptest! {
    #[test]
    fn splitting_and_joining_loses_nothing(source in script()) {
        for syntax in &Syntax::ALL {
            let Ok(pieces) = split(&source, syntax) else { continue };
            let joined: String = pieces.iter().map(|piece: &Piece<'_>| piece.raw).collect();
            prop_assert_eq!(&joined, &source);
            for piece in &pieces {
                prop_assert!(piece.raw.contains(piece.text));
                prop_assert_eq!(piece.role == Role::Blank, piece.text.is_empty());
            }
        }
    }

    #[test]
    fn nothing_is_split_inside_a_string_or_a_comment(parts in prop::collection::vec(kept(), 1..8)) {
        let source = format!("select {} 1; select 2", parts.join(" "));
        for syntax in &Syntax::ALL {
            prop_assert_eq!(texts(&source, syntax).len(), 2, "{}", syntax.name);
        }
    }
}

fn typed_parts(source: &str, syntax: &Syntax) -> (Vec<(Role, String)>, String, bool) {
    let typed = typed(source, ";", syntax);
    let pieces = typed.pieces.iter();
    let parts = pieces
        .filter(|piece| piece.role != Role::Blank)
        .map(|piece| (piece.role, piece.text.to_owned()))
        .collect();
    (parts, typed.rest.trim().to_owned(), typed.is_open)
}

#[test]
fn what_is_typed_waits_for_its_end() {
    for (source, is_open) in [
        ("", false),
        ("  \n", false),
        ("-- a comment", false),
        ("select 1", true),
        ("select 1;", false),
        ("select 1; select", true),
        ("select ';", true),
        ("/* select 1;", true),
        ("create trigger t after insert on a begin select 1;", true),
        (
            "create trigger t after insert on a begin select 1; end;",
            false,
        ),
    ] {
        assert_eq!(
            typed(source, ";", &Syntax::SQLITE).is_open,
            is_open,
            "{source}"
        );
    }
    assert!(typed("select $$ ;", ";", &Syntax::POSTGRES).is_open);
}

#[test]
fn commands_stand_between_statements() {
    let (parts, rest, is_open) = typed_parts(
        "\\d books\n-- a comment\n  \\timing  \nselect 1\n\\d; \\x on\nselect '\n\\q",
        &Syntax::POSTGRES,
    );
    assert_eq!(
        parts,
        [
            (Role::Command, "\\d books".to_owned()),
            (Role::Command, "\\timing".to_owned()),
            (Role::Statement, "select 1\n\\d".to_owned()),
            (Role::Command, "\\x on".to_owned()),
        ]
    );
    assert_eq!((rest.as_str(), is_open), ("select '\n\\q", true));
}

#[test]
fn a_changed_delimiter_is_handed_on() {
    let first = typed("delimiter //\n", ";", &Syntax::MYSQL);
    assert_eq!((first.delimiter.as_str(), first.is_open), ("//", false));
    let second = typed(
        "create procedure p() begin select 1; end //",
        "//",
        &Syntax::MYSQL,
    );
    assert_eq!(second.pieces.len(), 1);
    assert_eq!(
        second.pieces[0].text,
        "create procedure p() begin select 1; end"
    );
    assert!(typed("select 1;", "//", &Syntax::MYSQL).is_open);
}
