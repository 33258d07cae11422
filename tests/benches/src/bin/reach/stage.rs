//! The server of a run and its one table. Invariant: nothing here is timed.

use std::process::{Command, Stdio};

use estoult::Schema;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, NoTls};

use crate::Result;

/// How many users there are to be found.
pub const USERS: i64 = 1_000;

#[derive(Debug, Clone, Schema)]
#[schema(table = "users")]
pub struct User {
    #[field(key, generated = false)]
    pub id: i64,
    pub name: String,
}

/// A server with a table of users; it ends with this process, unless the environment names it.
#[derive(Debug)]
pub struct Stage {
    pub url: String,
}

impl Stage {
    pub fn new() -> Result<Self> {
        let url = std::env::var("ESTOULT_BENCH_POSTGRES_URL").or_else(|_| started())?;
        runtime(1)?.block_on(async {
            let client = connect(&url).await?;
            let fill = format!(
                "drop table if exists users; drop table if exists drops; \
                 create table users (id bigint primary key, name text not null); \
                 insert into users select i, 'user ' || i from generate_series(1, {USERS}) as i; \
                 create table drops (id bigint); analyze users"
            );
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(client.batch_execute(&fill).await?)
        })?;
        Ok(Self { url })
    }
}

/// The key that the query with this number asks for.
pub fn key(turn: u32) -> i64 {
    i64::from(turn) * 7_919 % USERS + 1
}

pub fn runtime(workers: usize) -> Result<Runtime> {
    Ok(Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()?)
}

/// A connection that belongs to no contender.
pub async fn connect(url: &str) -> Result<Client> {
    let (client, driver) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(driver);
    Ok(client)
}

fn started() -> Result<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../servers.sh");
    let owner = std::process::id().to_string();
    let output = Command::new("bash")
        .args([script, "start", "postgres", &owner])
        .stderr(Stdio::inherit())
        .output()?;
    let state = String::from_utf8(output.stdout)?;
    let url = state.lines().find_map(|line| line.strip_prefix("url="));
    Ok(url.ok_or("no server was started")?.to_owned())
}
