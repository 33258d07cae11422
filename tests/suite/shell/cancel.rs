//! Statements that are interrupted: they stop, the shell goes on.

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use estoult::{Database, sql};

use super::{Said, run_with};
use crate::support::{Backend, Fresh, eventually};

/// Runs a script whose statement with this number, counted from one, is interrupted as soon as the server runs it.
fn interrupted(fresh: &Fresh, number: usize, script: &str) -> Said {
    let (url, backend) = (fresh.url.clone(), fresh.backend());
    let run = Arc::new(AtomicUsize::new(0));
    run_with(&["shell", "--url", &fresh.url], script, move |streams| {
        streams.interrupted_by(move || {
            // Before the first statement the shell begins, and opens the connection.
            let is_meant = run.fetch_add(1, Ordering::Relaxed) == number + 1;
            let url = url.clone();
            async move {
                match (is_meant, backend) {
                    (false, _) => std::future::pending().await,
                    (true, Backend::Sqlite) => {}
                    (true, _) => wait_for_nap(&url).await,
                }
            }
        })
    })
}

/// Waits until the server lists the long statement.
async fn wait_for_nap(url: &str) {
    let database = Database::builder(url).max_connections(1).build().unwrap();
    let lifespan = database.connect().await.unwrap();
    let text = if url.starts_with("postgres") {
        "select count(*) from pg_stat_activity where query = 'select pg_sleep(600)' \
         and datname = current_database() and state = 'active'"
    } else {
        "select count(*) from information_schema.processlist where info = 'select sleep(600)' and db = database()"
    };
    eventually("the statement runs", async || {
        let naps = sql(text).one::<(i64,)>(&database).await;
        naps.is_ok_and(|(naps,)| naps == 1)
    })
    .await;
    lifespan.close().await.unwrap();
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("postgres://app:secret@127.0.0.1:{port}/shop");
    let said = run_with(&["shell", "--url", &url], "select 1;", |streams| {
        // The shell waits for the connection by then, and the server does not answer.
        streams.interrupted_by(|| std::future::ready(()))
    });
    assert_eq!(said.code, 1);
    assert_eq!(
        said.err,
        "error: open the connection: given up, as it was interrupted\n  at <stdin>:1\n"
    );
}

#[test]
fn postgres_is_told_to_cancel_and_the_connection_stays() {
    let fresh = Fresh::new(Backend::Postgres);
    let said = interrupted(
        &fresh,
        2,
        "create temporary table kept (id int);\nselect pg_sleep(600);\n",
    );
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("canceling statement due to user request"),
        "{}",
        said.err
    );
    assert!(!said.err.contains("closed"), "{}", said.err);
}

#[test]
fn mariadb_is_told_to_cancel_and_the_connection_stays() {
    let fresh = Fresh::new(Backend::MySql);
    let said = interrupted(
        &fresh,
        2,
        "begin;\nselect sleep(600);\nselect 1 as after_it;\n",
    );
    assert_eq!(said.code, 1);
    // The transaction is still open, so the connection is still there.
    assert_eq!(
        said.err,
        "error: Query execution was interrupted (1317)\n  at <stdin>:2\nthe open transaction is rolled back\n"
    );
}

#[test]
fn a_statement_of_sqlite_stops_and_what_was_committed_stays() {
    let fresh = Fresh::new(Backend::Sqlite);
    let endless =
        "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n;";
    let script = format!(
        "create table kept (id int);\nbegin;\ninsert into kept values (1);\n{endless}\nselect 1;\n"
    );
    let said = interrupted(&fresh, 4, &script);
    assert_eq!(said.code, 1);
    assert_eq!(
        said.err,
        "cancelled; the connection was closed with the statement, and an open transaction is rolled back\n  \
         at <stdin>:4\n"
    );
    assert!(super::shown(&fresh, "select count(*) as n from kept;").contains("| 0 |"));
}
