//! What `run_sync` costs in each place, and what eight sync threads reach, in interleaved rounds.

mod place;
mod rounds;
mod threads;

use std::{
    env,
    error::Error,
    io::{Write, stdout},
    process::{Command, ExitCode, Stdio},
};

use estoult::{Database, Registry, Schema, batch, insert_all, new};
use tokio::runtime::Runtime;

use self::{
    place::{PLACES, Through, Way},
    rounds::{BATCH, LONG_BATCH, Series},
};

pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How many rows there are to be found.
pub const ROWS: i64 = 1000;

#[derive(Debug, Clone, Schema)]
#[schema(table = "users")]
pub struct User {
    #[field(key, generated = false)]
    id: i64,
    name: String,
    email: Option<String>,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let rounds = env::args().nth(1).map_or(Ok(21), |rounds| rounds.parse())?;
    let only = env::args().nth(2);
    let wants = |part: &str| only.as_deref().is_none_or(|only| only == part);
    let server = env::var("ESTOULT_BENCH_POSTGRES_URL").or_else(|_| started())?;
    for url in ["sqlite::memory:", server.as_str()] {
        let database = Database::builder(url).max_connections(16).build()?;
        let registry = Registry::builder(database).build()?;
        let keeper = Runtime::new()?;
        let lifespan = keeper.block_on(registry.connect())?;
        keeper.block_on(fill(&registry))?;
        if wants("places") {
            places(&registry, rounds)?;
        }
        if wants("threads") && url == server {
            eight_threads(&registry, url, rounds)?;
        }
        keeper.block_on(batch(&registry, "drop table users"))?;
        keeper.block_on(lifespan.close())?;
    }
    Ok(())
}

/// What eight threads reach together.
fn eight_threads(registry: &Registry, url: &str, rounds: usize) -> Result<()> {
    let series = rounds::of(
        rounds,
        LONG_BATCH,
        vec![
            ("raw runtimes and connections of sqlx", &mut |times| {
                threads::raw(url, times)
            }),
            ("the same through `run_sync`", &mut |times| {
                threads::raw_bridged(registry, url, times)
            }),
            ("raw runtimes and queries of estoult", &mut |times| {
                threads::unbridged(registry, times)
            }),
            ("the same through `run_sync`", &mut |times| {
                threads::bridged(registry, times)
            }),
        ],
    )?;
    report(
        "PostgreSQL: microseconds a query, eight threads together",
        &series,
    )
}

/// The cost of a query in each place, inside of a future and one wait each.
fn places(registry: &Registry, rounds: usize) -> Result<()> {
    let dialect = registry.default_database().dialect();
    for place in PLACES {
        let through = Through::new(registry, place)?;
        let series = rounds::of(
            rounds,
            BATCH,
            vec![
                ("in async code", &mut |times| {
                    through.batch(Way::Inside, times)
                }),
                ("each through `run_sync`", &mut |times| {
                    through.batch(Way::Bridged, times)
                }),
            ],
        )?;
        let title = format!("{dialect:?}: microseconds a query by key, {place:?}");
        report(&title, &series)?;
    }
    Ok(())
}

fn report(title: &str, series: &[Series]) -> Result<()> {
    let mut output = stdout();
    writeln!(
        output,
        "\n{title}\n\n| | median | more than the first | ratio |\n|---|---|---|---|"
    )?;
    for one in series {
        let (more, ratio) = one.beside(&series[0]);
        let (name, median) = (one.name, one.median());
        writeln!(output, "| {name} | {median:.2} | {more:+.2} | {ratio:.3} |")?;
    }
    Ok(())
}

async fn fill(registry: &Registry) -> estoult::Result<()> {
    batch(
        registry,
        "drop table if exists users; create table users (id bigint primary key, name text not null, email text)",
    )
    .await?;
    let row = |id| {
        new!(User {
            id,
            name: format!("user {id}"),
            email: (id % 3 > 0).then(|| format!("{id}@example.com"))
        })
    };
    insert_all(registry, (1..=ROWS).map(row)).await?;
    Ok(())
}

/// Starts a throw-away server, which ends with this process.
fn started() -> std::result::Result<String, Box<dyn Error + Send + Sync>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../servers.sh");
    let owner = std::process::id().to_string();
    let output = Command::new("bash")
        .args([script, "start", "postgres", &owner])
        .stderr(Stdio::inherit())
        .output()?;
    let state = String::from_utf8(output.stdout)?;
    let url = state.lines().find_map(|line| line.strip_prefix("url="));
    Ok(url.ok_or("no server was started")?.to_owned())
}
