//! What a folder gives, and all that can be wrong with one.

use std::{env, fs, path::PathBuf, process};

use super::{Embedded, EmbeddedKind, read};
use crate::expand;

/// A package folder with these files below `migrations`, removed when the test ends.
struct Package(PathBuf);

impl Package {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let root = env::temp_dir().join(format!("rider-{}-{name}", process::id()));
        fs::create_dir_all(root.join("migrations")).unwrap();
        for (file, text) in files {
            fs::write(root.join("migrations").join(file), text).unwrap();
        }
        Self(root)
    }

    fn read(&self) -> Result<Vec<Embedded>, String> {
        read(&self.0, "./migrations").map_err(|problems| problems.to_string())
    }
}

impl Drop for Package {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const STEPS: &str = "pub fn steps() -> Vec<Step> { vec![] }";

#[test]
fn a_folder_gives_its_sql_and_its_rust() {
    let rust =
        format!("//! Fill it.\n//!\n//! More.\npub const DEPENDS: &[&str] = &[\"1-a\"];\n{STEPS}");
    let package = Package::new(
        "good",
        &[
            ("1-a.sql", "-- Add a\ncreate table a (b int);"),
            ("1-a.rollback.sql", "drop table a;"),
            ("2-b.rs", &rust),
            ("README.md", "no migration"),
            (".3-c.sql", "hidden"),
        ],
    );
    let set = package.read().unwrap();
    let files: Vec<&str> = set
        .iter()
        .map(|migration| migration.file.as_str())
        .collect();
    assert_eq!(files, ["migrations/1-a.sql", "migrations/2-b.rs"]);
    let companion = "migrations/1-a.rollback.sql";
    assert!(
        matches!(&set[0].kind, EmbeddedKind::Sql { companion: Some((_, file)) } if file == companion)
    );
    let EmbeddedKind::Rust { module, name } = &set[1].kind else {
        panic!("no module")
    };
    assert_eq!(
        (module.message.as_deref(), name.as_str()),
        (Some("Fill it"), "m_2_b")
    );
    assert_eq!(module.depends, ["1-a"]);
}

#[test]
fn all_mistakes_of_all_files_are_reported_at_once() {
    let package = Package::new(
        "bad",
        &[
            ("1-a.sql", "-- dependz: x\nselect 1;"),
            ("2-b.sql", "select 'never closed"),
            (
                "3-c.rs",
                "pub const DEPENDS: &[&str] = OTHERS;\npub const TRANSACTIONAL: bool = 1 == 1;",
            ),
            ("4-d.rs", "fn {"),
            ("5-e.rollback.sql", "select 1"),
        ],
    );
    let found = package.read().unwrap_err();
    let parts = [
        "migrations/5-e.rollback.sql: it undoes `5-e.sql`, which is not beside it",
        "migrations/1-a.sql:1: unknown directive `dependz`: did you mean `depends`?",
        "migrations/2-b.sql:1: the string that begins here is never closed",
        "migrations/3-c.rs:1: `DEPENDS` must be a list of string literals",
        "migrations/3-c.rs:2: `TRANSACTIONAL` must be `true` or `false`",
        "migrations/3-c.rs: a migration in Rust has a function `pub fn steps() -> Vec<Step>`",
        "migrations/4-d.rs:1: ",
    ];
    assert_eq!(found.lines().count(), parts.len(), "{found}");
    for (line, part) in found.lines().zip(parts) {
        assert!(line.contains(part), "{line}");
    }
}

#[test]
fn a_graph_without_order_is_reported() {
    let package = Package::new(
        "graph",
        &[
            ("1-a.sql", "-- depends: 2-b\nselect 1;"),
            ("2-b.sql", "-- depends: 1-a 3-x\nselect 1;"),
            ("4-c.sql", "select 1;"),
            ("4-c.rs", STEPS),
        ],
    );
    let found = package.read().unwrap_err();
    for part in [
        "duplicate id `4-c`",
        "depends on `3-x`, and there is no such",
        "a cycle of dependencies",
    ] {
        assert!(found.contains(part), "{found}");
    }
}

#[test]
fn a_dialect_of_one_database_is_no_mistake() {
    let package = Package::new(
        "dialects",
        &[
            ("1-a.sql", r"insert into a values ('it\'s; so');"),
            (
                "2-b.sql",
                "create function f() returns int as $$ select '; $$ language sql;",
            ),
        ],
    );
    assert_eq!(package.read().unwrap().len(), 2);
}

#[test]
fn the_macro_takes_one_folder() {
    let expanded = expand::migrations("1".parse().unwrap(), None).to_string();
    assert!(
        expanded.contains("`migrations!` takes one folder"),
        "{expanded}"
    );
}
