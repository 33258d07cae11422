//! Registries: names, and all mistakes in one error.

mod config;
mod installed;

use estoult::{Database, ErrorKind, Registry, registry::RegistryBuilder};

use crate::support::wrap;

fn memory() -> RegistryBuilder {
    Registry::builder("sqlite::memory:")
}

#[test]
fn an_unknown_name_lists_the_known_ones_and_the_nearest() {
    let registry = memory()
        .extra("archive", "sqlite::memory:")
        .extra("replica", "sqlite::memory:")
        .build()
        .unwrap();
    let error = registry.using("replcia").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Configuration));
    insta::assert_snapshot!(wrap(error), @r#"
    use the database "replcia": there is none of that name; known are `default`,
    `archive`, `replica`; did you mean `replica`?
    "#);
    let error = registry.using("billing").unwrap_err();
    insta::assert_snapshot!(wrap(error), @r#"
    use the database "billing": there is none of that name; known are `default`,
    `archive`, `replica`
    "#);
    let error = registry.using("").unwrap_err();
    insta::assert_snapshot!(wrap(error), @r#"
    use the database "": there is none of that name; known are `default`, `archive`,
    `replica`
    "#);
    let error = registry.using("Archive").unwrap_err();
    insta::assert_snapshot!(wrap(error), @r#"
    use the database "Archive": there is none of that name; known are `default`,
    `archive`, `replica`; did you mean `archive`?
    "#);
}

#[test]
fn known_names_are_used_and_listed_the_default_first() {
    let registry = memory()
        .extra("replica", "sqlite::memory:")
        .extra("archive", "sqlite::memory:")
        .build()
        .unwrap();
    let names: Vec<_> = registry.names().collect();
    assert_eq!(names, ["default", "archive", "replica"]);
    assert_eq!(registry.using("default").unwrap().name(), "default");
    assert_eq!(registry.using("archive").unwrap().name(), "archive");
    assert_eq!(registry.default_database().name(), "default");
}

#[test]
fn one_database_may_have_several_names() {
    let database = Database::builder("sqlite::memory:").build().unwrap();
    let registry = Registry::builder(database.clone())
        .extra("same", database)
        .build()
        .unwrap();
    assert_eq!(registry.using("same").unwrap().name(), "same");
    assert_eq!(registry.default_database().name(), "default");
}

#[test]
fn an_empty_name_is_refused() {
    let error = memory().extra("", "sqlite::memory:").build().unwrap_err();
    insta::assert_snapshot!(error, @"build a registry: a database has a blank name; give it one");
}

#[test]
fn a_blank_name_is_refused() {
    let error = memory()
        .extra(" \t", "sqlite::memory:")
        .build()
        .unwrap_err();
    insta::assert_snapshot!(error, @"build a registry: a database has a blank name; give it one");
}

#[test]
fn a_name_with_spaces_around_it_is_refused() {
    let error = memory()
        .extra("archive ", "sqlite::memory:")
        .build()
        .unwrap_err();
    insta::assert_snapshot!(wrap(error), @r#"
    build a registry: the name "archive " begins or ends with a space; leave it out
    "#);
}

#[test]
fn the_name_of_the_default_database_is_refused() {
    let error = memory()
        .extra("default", "sqlite::memory:")
        .build()
        .unwrap_err();
    insta::assert_snapshot!(wrap(error), @r"
    build a registry: the name `default` is taken by the default database; choose
    another
    ");
}

#[test]
fn a_name_given_twice_is_refused() {
    let error = memory()
        .extra("archive", "sqlite:one.db")
        .extra("archive", "sqlite:two.db")
        .build()
        .unwrap_err();
    insta::assert_snapshot!(error, @"build a registry: the name `archive` is given twice; choose another");
}

#[test]
fn all_mistakes_are_in_one_error() {
    let error = Registry::builder("oracle://app:secret@localhost/shop")
        .extra("", "sqlite::memory:")
        .extra("replica", "postgres://app:secret@localhost:port/shop")
        .extra(
            "replica",
            "mysql://app:secret@localhost/shop?sslmode=maybe&color=red",
        )
        .extra(
            "default",
            Database::builder("sqlite::memory:").max_connections(0),
        )
        .build()
        .unwrap_err();
    assert!(!error.to_string().contains("secret"));
    insta::assert_snapshot!(wrap(error.to_string().replace("; ", ";\n")), @"
    build a registry: database `default`: read a database URL: unknown scheme
    `oracle`;
    known are `sqlite:`, `postgres://` and `mysql://`;
    a database has a blank name;
    give it one;
    database `replica`: read a postgres URL: the port is not a number from 1 to
    65535 (in user and password write `@ : / # ?` as %40 %3A %2F %23 %3F);
    write it as postgres://user:password@host:port/database;
    database `replica`: read a mysql URL: option `sslmode` takes disable, allow,
    prefer, require, verify-ca or verify-full;
    unknown option `color` (known: charset, collation, socket, port, ssl-mode,
    ssl-ca, ssl-cert, ssl-key, statement-cache-capacity);
    the name `default` is taken by the default database;
    choose another;
    database `default`: build a database: max_connections is 0;
    allow at least 1
    ");
}

#[test]
fn debug_shows_names_and_addresses_without_passwords() {
    let registry = Registry::builder("postgres://app:secret@localhost/shop")
        .extra("archive", "mysql://app:secret@localhost/archive")
        .build()
        .unwrap();
    insta::assert_snapshot!(wrap(format!("{registry:?}")), @r#"
    {"default": "postgres://app@localhost:5432/shop", "archive":
    "mysql://app@localhost:3306/archive"}
    "#);
}

#[test]
fn display_shows_names_and_addresses_without_passwords() {
    let registry = Registry::builder("postgres://app:secret@localhost/shop")
        .extra("archive", "mysql://app:secret@localhost/archive")
        .extra("scratch", "sqlite::memory:")
        .build()
        .unwrap();
    insta::assert_snapshot!(wrap(registry), @r"
    `default` (postgres://app@localhost:5432/shop), `archive`
    (mysql://app@localhost:3306/archive), `scratch` (sqlite::memory:)
    ");
}

#[test]
fn a_name_may_have_spaces_inside() {
    let registry = memory()
        .extra("read replica", "sqlite::memory:")
        .build()
        .unwrap();
    let replica = registry.using("read replica").unwrap();
    assert_eq!(replica.name(), "read replica");
}
