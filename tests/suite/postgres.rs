//! PostgreSQL under attack: logins, TLS, servers that send garbage, poolers, statements that are dropped, and what the
//! session says of it all.

mod bulk;
mod cancel;
mod cast;
mod errors;
mod garbage;
mod login;
mod loss;
mod outcomes;
mod pooler;
mod runtimes;
mod settle;
mod stale;
mod state;
mod statements;
mod tls;
mod trips;

use std::error::Error as _;

use estoult::{Database, Error, ErrorKind, Result, sql};

use crate::support::{Backend, Fresh, run_fresh, runtime};

/// Runs a test on a database of its own with one connection, whose URL has these options.
fn on_one_connection(options: &str, test: impl AsyncFnOnce(&Database, &Fresh) -> Result<()>) {
    run_fresh(Backend::Postgres, |fresh| {
        let db = Database::builder(format!("{}?{options}", fresh.url))
            .max_connections(1)
            .acquire_timeout(std::time::Duration::from_secs(20))
            .build()?;
        runtime().block_on(async {
            let lifespan = db.connect().await?;
            test(&db, fresh).await?;
            lifespan.close().await
        })
    });
}

/// The server's process of the connection that the pool hands out next.
async fn process(db: &Database) -> Result<i32> {
    let (process,) = sql("select pg_backend_pid()").one(db).await?;
    Ok(process)
}

/// Logs in, and gives the user and whether the connection is encrypted.
fn log_in(url: &str) -> Result<(String, bool)> {
    let db = Database::builder(url).max_connections(1).build()?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        let text = "select current_user::text, coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), \
            false)";
        let row = sql(text).one(&db).await?;
        lifespan.close().await?;
        Ok(row)
    })
}

/// All that an error says, also in its sources.
fn all_words(error: &Error) -> String {
    let mut words = format!("{error}\n{error:?}");
    let mut source = error.source();
    while let Some(cause) = source {
        words.push_str(&format!("\n{cause}\n{cause:?}"));
        source = cause.source();
    }
    words
}

/// A login was refused for this reason, and without the password in the message.
#[track_caller]
fn refused<T: std::fmt::Debug>(outcome: Result<T>, why: &str) {
    let error = outcome.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
    let words = all_words(&error);
    assert!(error.message().contains(why), "{words}");
    assert!(!words.contains("secret"), "{words}");
}
