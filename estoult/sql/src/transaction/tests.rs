//! Statements and what they do to the transaction.

use proptest::prelude::{prop, prop_assert, proptest};

use super::{
    Control::{
        self, Begin, ImplicitCommit, None, Release, RollbackTo, Savepoint, SetAutocommit, Unknown,
    },
    TransactionState, control,
};
use crate::syntax::Syntax;

const COMMIT: Control = Control::Commit { chain: false };
const ROLLBACK: Control = Control::Rollback { chain: false };
const NEXT_AFTER_COMMIT: Control = Control::Commit { chain: true };
const NEXT_AFTER_ROLLBACK: Control = Control::Rollback { chain: true };

fn assert_control(statement: &str, syntax: &Syntax, expected: Control) {
    let found = control(statement, syntax);
    assert_eq!(found, expected, "{}: {statement}", syntax.name);
}

#[test]
fn statements_of_all_databases() {
    for syntax in &Syntax::ALL {
        for (statement, expected) in [
            ("", None),
            ("begin", Begin),
            ("Begin Work", Begin),
            ("BEGIN isolation level serializable", Begin),
            ("begin immediate", Begin),
            ("-- seed\nbegin", Begin),
            ("/* app */ begin /* again */ ;", Begin),
            ("/* a */ start -- b\n transaction read only", Begin),
            ("start something", None),
            ("begin atomic select 1; end", None),
            ("begin not atomic select 1; end", Unknown),
            ("beginning", None),
            ("select 1 begin", None),
            ("'begin'", None),
            ("\"begin\"", None),
            ("commit", COMMIT),
            ("commit work", COMMIT),
            ("COMMIT/**/AND NO CHAIN", COMMIT),
            ("commit and chain", NEXT_AFTER_COMMIT),
            ("commit work and chain", NEXT_AFTER_COMMIT),
            ("commit -- and chain", COMMIT),
            ("commit prepared 'a'", None),
            ("rollback", ROLLBACK),
            ("rollback transaction", ROLLBACK),
            ("rollback work and chain", NEXT_AFTER_ROLLBACK),
            ("rollback prepared 'a'", None),
            ("rollback to a", RollbackTo),
            ("rollback to savepoint a", RollbackTo),
            ("rollback work to savepoint a", RollbackTo),
            ("rollback transaction to a", RollbackTo),
            ("savepoint a", Savepoint),
            ("release a", Release),
            ("release savepoint a", Release),
            ("prepare transaction 'a'", COMMIT),
            ("prepare transaction from 'select 1'", None),
            ("xa start 'a'", Begin),
            ("XA BEGIN 'a'", Begin),
            ("xa end 'a'", None),
            ("xa prepare 'a'", None),
            ("xa commit 'a' one phase", COMMIT),
            ("xa rollback 'a'", ROLLBACK),
            ("insert into a values ('commit')", None),
            ("create temporary table a (b int)", None),
        ] {
            assert_control(statement, syntax, expected);
        }
    }
}

#[test]
fn statements_whose_meaning_depends_on_the_database() {
    for (statement, sqlite, postgres, mysql) in [
        ("end", COMMIT, COMMIT, None),
        ("end and chain", NEXT_AFTER_COMMIT, NEXT_AFTER_COMMIT, None),
        ("abort", None, ROLLBACK, None),
        ("abort and chain", None, NEXT_AFTER_ROLLBACK, None),
        ("# a\nbegin", None, None, Begin),
        ("--begin", None, None, None),
        ("/* /* */ begin", Begin, None, Begin),
        ("/*!40101 begin */", None, None, Begin),
        ("commit /*! and chain */", COMMIT, COMMIT, NEXT_AFTER_COMMIT),
        ("create table a (b int)", None, None, ImplicitCommit),
        ("/* a */ drop view a", None, None, ImplicitCommit),
        ("truncate a", None, None, ImplicitCommit),
        ("start replica", None, None, ImplicitCommit),
        ("lock tables a read", None, None, ImplicitCommit),
        ("grant select on a to b", None, None, ImplicitCommit),
        (
            "create or replace view a as select 1",
            None,
            None,
            ImplicitCommit,
        ),
        (
            "create or replace temporary table a (b int)",
            None,
            None,
            None,
        ),
        ("drop temporary table a", None, None, None),
        ("drop prepare a", None, None, None),
        ("set autocommit = 0", None, None, SetAutocommit(false)),
    ] {
        for (syntax, expected) in [
            (&Syntax::SQLITE, sqlite),
            (&Syntax::POSTGRES, postgres),
            (&Syntax::MYSQL, mysql),
        ] {
            assert_control(statement, syntax, expected);
        }
    }
}

#[test]
fn assignments_to_autocommit() {
    for (statement, expected) in [
        ("set autocommit=0", SetAutocommit(false)),
        ("/* a */ SET AutoCommit := OFF", SetAutocommit(false)),
        ("set autocommit = 1", SetAutocommit(true)),
        ("set autocommit = 'on'", SetAutocommit(true)),
        ("set session autocommit = true", SetAutocommit(true)),
        ("set @@autocommit = 0", SetAutocommit(false)),
        ("set @@session.autocommit = 0", SetAutocommit(false)),
        (
            "set names utf8, autocommit = 0, @a = 1",
            SetAutocommit(false),
        ),
        (
            "set @old = @@autocommit, autocommit = 0",
            SetAutocommit(false),
        ),
        ("/*!40101 set autocommit = 0 */", SetAutocommit(false)),
        ("set autocommit = 0, autocommit = 1", SetAutocommit(true)),
        // The value may be 0.
        ("set autocommit = @old", SetAutocommit(false)),
        ("set autocommit = default", SetAutocommit(false)),
        ("set autocommit =", SetAutocommit(false)),
        ("set autocommit = 1 - 1", SetAutocommit(false)),
        ("set autocommit = 1 = 0", SetAutocommit(false)),
        ("set `autocommit` = 0", SetAutocommit(false)),
        ("set @@session.`autocommit` = 0", SetAutocommit(false)),
        ("/*M! set autocommit = 0 */", SetAutocommit(false)),
        ("set completion_type = 1", Unknown),
        ("set statement max_statement_time = 10 for begin", Unknown),
        ("call nightly()", Unknown),
        ("execute immediate 'begin'", Unknown),
        ("if 1 then start transaction", Unknown),
        ("set global autocommit = 0", None),
        ("set @@global.autocommit = 0", None),
        ("set @autocommit = 0", None),
        ("set @a = @@autocommit", None),
        ("set a = 'autocommit = 0'", None),
        ("set transaction read only", None),
        ("select autocommit = 0", None),
    ] {
        assert_eq!(control(statement, &Syntax::MYSQL), expected, "{statement}");
    }
}

fn is_open(scripts: &[(&str, bool)], syntax: &Syntax) -> bool {
    let begin = TransactionState::default();
    let state = scripts.iter().fold(begin, |state, (script, is_done)| {
        state.after(script, *is_done, syntax)
    });
    state.is_open()
}

#[test]
fn scripts_open_and_end_transactions() {
    let (done, failed) = (true, false);
    for syntax in &Syntax::ALL {
        for (scripts, expected) in [
            (&[("select 1", done)][..], false),
            (&[("begin", done)], true),
            (&[("begin", failed)], false),
            (&[("begin", done), ("commit", done)], false),
            (&[("begin", done), ("commit", failed)], true),
            (&[("begin", done), ("rollback to a", done)], true),
            (&[("begin", done), ("commit and chain", done)], true),
            (
                &[
                    ("begin", done),
                    ("insert into a values (1); commit", failed),
                ],
                true,
            ),
            (&[("begin; select 1; commit", done)], false),
            (&[("begin; select 1; commit", failed)], true),
            (&[("select 1; begin", failed)], false),
            (
                &[("-- seed\nbegin; insert into a values (1)", failed)],
                true,
            ),
            (&[("begin; select 'a; rollback; b'", done)], true),
            (&[("begin; select 'a; rollback", failed)], true),
            (&[("begin /* a", done)], true),
            (&[("select ';begin the beguine'", done)], false),
            (
                &[(
                    "create trigger t after insert on a begin select 1; end",
                    done,
                )],
                false,
            ),
        ] {
            assert_eq!(
                is_open(scripts, syntax),
                expected,
                "{}: {scripts:?}",
                syntax.name
            );
        }
    }
    assert!(is_open(&[("savepoint a", done)], &Syntax::SQLITE));
    assert!(!is_open(&[("savepoint a", done)], &Syntax::POSTGRES));
}

#[test]
fn transactions_of_mysql_begin_and_end_by_themselves() {
    let (done, failed) = (true, false);
    for (scripts, expected) in [
        (&[("begin; create table a (b int)", done)][..], false),
        (&[("begin", done), ("create table a (b int)", failed)], true),
        (&[("set autocommit = 0", done)], true),
        (&[("set autocommit = 0", done), ("commit", done)], true),
        (&[("set autocommit = 0", done), ("truncate a", done)], true),
        (
            &[("set autocommit = 0", done), ("set autocommit = 1", done)],
            false,
        ),
        (
            &[
                ("set autocommit = 0; begin", done),
                ("set autocommit = 1", done),
            ],
            false,
        ),
        (&[("begin", done), ("set autocommit = 1", done)], true),
        (
            &[("set autocommit = 0", done), ("set autocommit = 1", failed)],
            true,
        ),
        (
            &[("xa start 'a'", done), ("xa end 'a'; xa prepare 'a'", done)],
            true,
        ),
        (
            &[("xa start 'a'; xa end 'a'; xa commit 'a' one phase", done)],
            false,
        ),
    ] {
        assert_eq!(is_open(scripts, &Syntax::MYSQL), expected, "{scripts:?}");
    }
}

/// Each of them was seen to leave a transaction open on MariaDB 10.11 or PostgreSQL 15.
#[test]
fn where_a_server_may_read_something_else_a_transaction_may_be_open() {
    for (syntax, script) in [
        (Syntax::MYSQL, "begin; select 1; /*!80000 rollback */"),
        (Syntax::MYSQL, "begin; select 1; /*!99999 commit */"),
        (Syntax::MYSQL, "begin; /*!80000 create table t (a int) */"),
        (
            Syntax::MYSQL,
            "set autocommit = 0 /*!80000 , autocommit = 1 */",
        ),
        (Syntax::MYSQL, "begin; commit and chain no release"),
        (Syntax::MYSQL, "begin; commit work and chain no release"),
        (Syntax::MYSQL, "begin; commit /*M! and chain */"),
        (
            Syntax::MYSQL,
            "begin; drop /*M! temporary */ table if exists a",
        ),
        (Syntax::MYSQL, "/*M! begin */"),
        (Syntax::MYSQL, "/*! select '*/', 1 */; begin"),
        (
            Syntax::MYSQL,
            "set sql_mode = 'NO_BACKSLASH_ESCAPES'; select 'C:\\'; begin; select 'x'",
        ),
        (Syntax::MYSQL, "select 1 as \"a\\\"; begin; select 'x'"),
        (
            Syntax::MYSQL,
            "create procedure p() insert into a select 1 as begin; begin; select 'x'",
        ),
        (Syntax::MYSQL, "set completion_type = 1; begin; commit"),
        (Syntax::MYSQL, "if 1 then start transaction; end if"),
        (Syntax::POSTGRES, "select 'it\\'s'; begin; select 'c'"),
        (Syntax::POSTGRES, "-- seed\rbegin; select 1"),
    ] {
        let state = TransactionState::default().after(script, true, &syntax);
        assert!(state.may_be_open(), "{}: {script}", syntax.name);
    }
}

#[test]
fn where_a_text_is_certain_no_transaction_is_suspected() {
    for script in [
        "begin; insert into a values (1); commit",
        "insert into a values ('let us begin')",
        "select start from a",
        "select 'C:\\temp'",
        "-- begin\nselect 1",
    ] {
        for syntax in &Syntax::ALL {
            let state = TransactionState::default().after(script, true, syntax);
            assert!(!state.may_be_open(), "{}: {script}", syntax.name);
        }
    }
}

#[test]
fn a_prepared_statement_is_one_whatever_it_contains() {
    let (before, syntax) = (TransactionState::default(), &Syntax::MYSQL);
    let open = before.after_statement("begin", true, syntax);
    assert!(open.is_open());
    assert!(!open.after_statement("commit", true, syntax).may_be_open());
    assert!(open.after_statement("commit", false, syntax).is_open());
    assert!(
        open.after_statement("/*!99999 commit */ do 1", true, syntax)
            .may_be_open()
    );
    assert!(
        !before
            .after_statement("select 'C:\\'; begin; '", true, syntax)
            .may_be_open()
    );
    assert!(
        before
            .after_statement("call nightly()", false, syntax)
            .may_be_open()
    );
}

proptest! {
    #[test]
    fn a_comment_before_a_statement_changes_nothing(
        comment in "[a-z;' ]{0,12}",
        statement in prop::sample::select(vec!["begin", "commit", "end", "set autocommit = 0", "drop table a", "x"]),
        is_done: bool,
    ) {
        for syntax in &Syntax::ALL {
            for commented in [format!("/*{comment}*/{statement}"), format!("-- {comment}\n{statement}")] {
                prop_assert!(control(&commented, syntax) == control(statement, syntax), "{commented}");
                let state = TransactionState::default();
                let expected = state.after(statement, is_done, syntax);
                prop_assert!(state.after(&commented, is_done, syntax) == expected, "{commented}");
            }
        }
    }
}
