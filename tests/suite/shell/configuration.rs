//! The shell with a configuration file: its databases by name, and what is wrong with it.

use super::{file, run};
use crate::support::wrap;

const DATABASES: &str = r#"
    [databases]
    default = "sqlite::memory:"
    "read replica" = "sqlite::memory:"
    archive = "sqlite::memory:"
    "#;

#[test]
fn the_databases_of_a_file_are_listed_and_used_by_name() {
    let (_fresh, path) = file("estoult.toml", DATABASES);
    let script = "create table here (id int);\n\\databases\n\\using 'read replica'\n\\d\n\\databases\n\
        create table there (id int);\n\\d\n\\using default\n\\d\n";
    let said = run(&["shell", "--config", &path], script);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    insta::assert_snapshot!(said.out, @r"
    done
    * default  SQLite  sqlite::memory:
      archive  SQLite  sqlite::memory:
      read replica  SQLite  sqlite::memory:
    +--------+------+------+
    | schema | name | kind |
    +======================+
    +--------+------+------+
    (0 rows)
      default  SQLite  sqlite::memory:
      archive  SQLite  sqlite::memory:
    * read replica  SQLite  sqlite::memory:
    done
    +--------+-------+-------+
    | schema | name  | kind  |
    +========================+
    | main   | there | table |
    +--------+-------+-------+
    (1 row)
    +--------+------+-------+
    | schema | name | kind  |
    +=======================+
    | main   | here | table |
    +--------+------+-------+
    (1 row)
    ");
}

#[test]
fn a_database_that_is_not_known_or_can_not_be_left_is_told() {
    let (_fresh, path) = file("estoult.toml", DATABASES);
    let said = run(
        &["shell", "--config", &path, "--database", "archive"],
        "\\databases",
    );
    assert!(said.out.contains("* archive"), "{}", said.out);
    let said = run(&["shell", "--config", &path, "--database", "archiv"], "");
    assert_eq!(said.code, 1);
    insta::assert_snapshot!(wrap(said.err), @r#"
    error: use the database "archiv": there is none of that name; known are
    `default`, `archive`, `read replica`; did you mean `archive`?
    "#);
    let said = run(&["shell", "--config", &path], "\\using replica");
    assert_eq!(said.code, 1);
    insta::assert_snapshot!(wrap(said.err), @r#"
    error: use the database "replica": there is none of that name; known are
    `default`, `archive`, `read replica`
    at <stdin>:1
    "#);
    let said = run(&["shell", "--config", &path], "begin;\n\\using archive\n");
    assert_eq!(said.code, 1);
    insta::assert_snapshot!(wrap(said.err), @r"
    error: use `archive`: a transaction is open on `default`; commit it or roll it
    back first
    at <stdin>:2
    the open transaction is rolled back
    ");
}

#[test]
fn a_file_that_is_no_configuration_is_told_by_line_and_without_its_text() {
    let (_fresh, path) = file(
        "estoult.toml",
        "[databases]\ndefault = \"sqlite:\"secret\"\n",
    );
    let said = run(&["shell", "--config", &path], "");
    assert_eq!(said.code, 1);
    assert!(!said.err.contains("secret"), "{}", said.err);
    assert!(said.err.contains("(line 2)"), "{}", said.err);
    let (_fresh, path) = file(
        "estoult.json",
        "{\"databases\": {\"default\": \"sqlite::memory:\"}}",
    );
    assert_eq!(run(&["shell", "--config", &path], "select 1").code, 0);
}
