//! `estoult check`: what is wrong with a configuration, and whether its databases are healthy.

use std::net::TcpListener;

use super::{file, run};
use crate::support::{Backend, Fresh, mask, on_every_fresh, wrap};

on_every_fresh!(a_database_that_answers_is_healthy, |fresh| {
    let said = run(&["check", "--url", &fresh.url], "");
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    assert!(said.out.starts_with("`default` ("), "{}", said.out);
    assert!(
        said.out.contains("): connected, primary, answers in "),
        "{}",
        said.out
    );
    let said = run(&["check", "--json", "--url", &fresh.url], "");
    let list: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(list[0]["name"], "default");
    assert_eq!(list[0]["healthy"], true);
    assert_eq!(list[0]["role"], "primary");
    assert_eq!(list[0]["connections"]["open"], 1);
    assert_eq!(list[0]["error"], serde_json::Value::Null);
    assert!(list[0]["latency_seconds"].as_f64().unwrap() > 0.0);
    Ok(())
});

#[test]
fn each_database_that_fails_is_told_and_the_others_too() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let text = format!(
        r#"
        [databases]
        default = "sqlite::memory:"
        missing = "sqlite:nowhere/missing.db?mode=ro"
        silent = "postgres://app:secret@127.0.0.1:{port}/shop"
        "#
    );
    let (_fresh, path) = file("estoult.toml", &text);
    let said = run(&["check", "--within", "1", "--config", &path], "");
    assert_eq!((said.code, said.err.as_str()), (1, ""), "{said:?}");
    assert!(!said.out.contains("secret"), "{}", said.out);
    let lines: Vec<_> = said.out.lines().map(mask).collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].contains("primary, answers in"), "{}", lines[0]);
    assert!(
        lines[1].contains("failed: open the SQLite file"),
        "{}",
        lines[1]
    );
    assert!(
        lines[2].contains("none could be opened within #s"),
        "{}",
        lines[2]
    );
    let said = run(&["check", "--json", "--within", "1", "--config", &path], "");
    let list: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(said.code, 1);
    assert_eq!(list[1]["healthy"], false);
    assert!(
        list[1]["error"]
            .as_str()
            .unwrap()
            .contains("the folder `nowhere` does not exist")
    );
}

#[test]
fn a_wrong_password_is_told_without_showing_it() {
    for backend in [Backend::Postgres, Backend::MySql] {
        let fresh = Fresh::new(backend);
        let (scheme, rest) = fresh.url.split_once("://").unwrap();
        let (_, rest) = rest.split_once('@').unwrap();
        let url = format!("{scheme}://estoult:Zq9xWrong@{rest}");
        let said = run(&["check", "--url", &url], "");
        assert_eq!(said.code, 1, "{said:?}");
        assert!(
            !said.out.contains("Zq9x") && !said.err.contains("Zq9x"),
            "{said:?}"
        );
        assert!(said.out.contains("failed: "), "{}", said.out);
    }
}

#[test]
fn all_mistakes_of_a_configuration_are_told_at_once() {
    let text = "[databases.replica]\nurl = 'postgres://app:secret@localhost:port/shop'\nmax_conections = 4\n";
    let (_fresh, path) = file("estoult.toml", text);
    let said = run(&["check", "--config", &path], "");
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(!said.err.contains("secret"));
    let message = said.err.replace(&path, "FILE").replace("; ", ";\n");
    insta::assert_snapshot!(wrap(message), @"
    error: read `FILE`: read a configuration of databases:
    `databases.replica.max_conections` is not a database setting;
    the settings are url, max_connections, acquire_timeout, connect_timeout,
    statement_timeout, slow_statement, statement_cache_capacity, ping_after,
    max_age, schema, min_connections, connect_within, connect_retries, read_only,
    not_connected;
    did you mean `max_connections`?;
    `databases.replica.url`: read a postgres URL: the port is not a number from 1 to
    65535 (in user and password write `@ : / # ?` as %40 %3A %2F %23 %3F);
    write it as postgres://user:password@host:port/database;
    there is no default database: set `databases.default.url`
    ");
}
