//! The examples that serve: each is started as a program, called by a client over TCP, and stopped with ctrl-c.

use bookstall::{Client, Note};
use estoult::{Registry, Result, Schema, sql};
use serde_json::json;

use crate::support::{
    Backend, Fresh, Listing, Program, eventually, on_every_fresh, runtime,
    servers::{private_mysql, private_postgres},
};

/// The examples that answer HTTP.
const WEB: [&str; 5] = ["axum_app", "actix_app", "rocket_app", "sync_server", "fork"];

/// Calls every route, refuses what it should, stops in the middle of a request, and leaves nothing open.
fn test_itself(example: &str, fresh: &Fresh) {
    let ended = Program::start(example, &fresh.url, &["--self-test"]).end();
    let lines = ended.well();
    assert_eq!(
        lines.last().map(String::as_str),
        Some("all is well"),
        "{lines:#?}"
    );
}

on_every_fresh!(axum_app_passes_its_self_test, |fresh| {
    test_itself("axum_app", fresh);
    Ok(())
});

on_every_fresh!(actix_app_passes_its_self_test, |fresh| {
    test_itself("actix_app", fresh);
    Ok(())
});

on_every_fresh!(rocket_app_passes_its_self_test, |fresh| {
    test_itself("rocket_app", fresh);
    Ok(())
});

on_every_fresh!(sync_server_passes_its_self_test, |fresh| {
    test_itself("sync_server", fresh);
    Ok(())
});

on_every_fresh!(fork_passes_its_self_test, |fresh| {
    test_itself("fork", fresh);
    Ok(())
});

on_every_fresh!(worker_passes_its_self_test, |fresh| {
    test_itself("worker", fresh);
    Ok(())
});

/// What the program has written down; no connection is open any more.
fn notes(fresh: &Fresh) -> Result<Vec<String>> {
    let registry = Registry::builder(&*fresh.url).build()?;
    let listing = Listing::of(fresh)?;
    runtime().block_on(async {
        eventually("nobody is connected", async || {
            listing.count().await.is_ok_and(|count| count == 0)
        })
        .await;
        let lifespan = registry.connect().await?;
        let notes = Note::query().select(Note::text).order_by(Note::id.asc());
        let notes = notes.all(&registry).await?;
        lifespan.close().await?;
        Ok(notes)
    })
}

/// Serves one client and is stopped by a signal.
fn serve_until(signal: &str, example: &str, fresh: &Fresh) -> Result<()> {
    let mut program = Program::start(example, &fresh.url, &["--port", "0"]);
    let client = Client::new(program.address());
    let book = r#"{"title": "Solaris", "copies": 3}"#;
    let (status, added) = client.post("/books", book).unwrap();
    assert_eq!(status, 201, "{added}");
    let (status, books) = client.get("/books").unwrap();
    assert_eq!((status, books), (200, json!([added])));
    drop(client);
    program.signal(signal);
    let lines = program.end().well();
    let last = lines.last().map(String::as_str);
    assert_eq!(last, Some("stopped; the database is closed"), "{lines:#?}");
    assert_eq!(notes(fresh)?, ["closed with 1 books"]);
    Ok(())
}

on_every_fresh!(ctrl_c_ends_a_server_after_its_own_last_work, |fresh| {
    serve_until("INT", "axum_app", fresh)
});

#[test]
fn every_server_ends_with_ctrl_c_and_when_it_is_asked_to() {
    for example in WEB {
        for signal in ["INT", "TERM"] {
            serve_until(signal, example, &Fresh::new(Backend::Sqlite)).unwrap();
        }
    }
}

#[test]
fn a_database_that_cannot_be_reached_is_told_with_the_reason() {
    let url = "postgres://app:hidden@127.0.0.1:1/shop";
    for example in WEB.into_iter().chain(["worker"]) {
        let ended = Program::start(example, url, &[]).end();
        assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
        let start = format!("{example}: `default` (postgres://app@127.0.0.1:1/shop): connect to");
        assert!(ended.errors.starts_with(&start), "{ended:#?}");
        assert!(ended.errors.contains("refused"), "{ended:#?}");
        assert!(!ended.errors.contains("hidden"), "{ended:#?}");
        assert!(!ended.lines.join("\n").contains("hidden"), "{ended:#?}");
    }
}

#[test]
fn a_self_test_refuses_a_database_that_is_in_use() {
    let fresh = Fresh::new(Backend::Sqlite);
    serve_until("INT", "axum_app", &fresh).unwrap();
    let ended = Program::start("rocket_app", &fresh.url, &["--self-test"]).end();
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    assert!(ended.errors.contains("name another database"), "{ended:#?}");
    assert_eq!(notes(&fresh).unwrap(), ["closed with 1 books"]);
}

#[test]
fn a_database_that_went_away_is_answered_with_503_until_it_is_back() {
    for (example, server, keep) in [
        ("axum_app", private_postgres(), "checkpoint"),
        ("rocket_app", private_mysql(), "flush tables"),
    ] {
        let mut program = Program::start(example, server.url(), &[]);
        let client = Client::new(program.address());
        assert_eq!(client.get("/books").unwrap().0, 200);
        // The servers of tests don't wait for the disk.
        runtime().block_on(store(server.url(), keep)).unwrap();
        server.kill();
        let (status, body) = client.get("/books").unwrap();
        let text = "the database does not answer; try again later";
        assert_eq!((status, body), (503, json!({ "error": text })));
        let (status, body) = client.get("/health").unwrap();
        assert_eq!((status, &body["is_healthy"]), (503, &json!(false)));
        assert!(!body.to_string().contains("127.0.0.1"), "{body}");
        server.restart();
        runtime().block_on(eventually("books are served again", async || {
            client.get("/books").unwrap().0 == 200
        }));
        assert_eq!(client.get("/health").unwrap().0, 200);
        drop(client);
        program.signal("INT");
        let ended = program.end();
        assert!(ended.status.success(), "{ended:#?}");
        assert!(ended.errors.starts_with("answered 503: "), "{ended:#?}");
        assert!(!ended.errors.contains("secret"), "{ended:#?}");
    }
}

/// Makes a server write down what it was told.
async fn store(url: &str, keep: &str) -> Result<()> {
    let registry = Registry::builder(url).build()?;
    let lifespan = registry.connect().await?;
    sql(keep).execute(&registry).await?;
    lifespan.close().await
}

#[test]
fn forked_processes_end_with_the_one_that_forked_them() {
    let fresh = Fresh::new(Backend::Postgres);
    let mut program = Program::start("fork", &fresh.url, &[]);
    let address = program.address();
    let call = || Client::new(address).get("/books");
    assert_eq!(call().unwrap().0, 200);
    program.signal("KILL");
    runtime().block_on(eventually("nobody answers any more", async || {
        call().is_err()
    }));
    // The process was gone before the last work.
    assert!(notes(&fresh).unwrap().is_empty());
}
