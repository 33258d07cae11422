//! What a route costs: one row by its key, from a database in memory, with and without a schema and a name that were
//! chosen; and what it costs to build a registry of many databases.

use std::{
    error::Error,
    io::Write,
    time::{Duration, Instant},
};

use estoult::{Context, Registry, Schema, batch, new, run_sync};

type Outcome<T> = Result<T, Box<dyn Error>>;
type Work<'w> = Box<dyn Fn() -> estoult::Result<Option<User>> + 'w>;

const ROUNDS: usize = 41;
const OPERATIONS: u32 = 2000;
const DATABASES: usize = 1000;

#[derive(Debug, Clone, Schema)]
#[schema(table = "users")]
struct User {
    id: i64,
    name: String,
}

fn main() -> Outcome<()> {
    let registry = Registry::builder("sqlite::memory:")
        .extra("replica", "sqlite::memory:")
        .build()?;
    let mut out = std::io::stdout().lock();
    registry.with_async_env(|| {
        let replica = registry.using("replica")?;
        run_sync(fill(&registry, &replica))?;
        let routed = registry.using_schema("tenant_7")?;
        let database = registry.default_database();
        let scope = Context::current().in_schema("tenant_7");
        let key = || User::query().filter(User::id.eq(1));
        let contenders: [(&str, Work<'_>); 7] = [
            (
                "get, a database",
                Box::new(|| run_sync(User::get(database, 1))),
            ),
            (
                "get, the registry",
                Box::new(|| run_sync(User::get(&registry, 1))),
            ),
            (
                "get, the registry with a schema",
                Box::new(|| run_sync(User::get(&routed, 1))),
            ),
            (
                "get, in a scope",
                Box::new(|| scope.clone().run(|| run_sync(User::get(&registry, 1)))),
            ),
            (
                "query, a database",
                Box::new(|| run_sync(key().optional(database))),
            ),
            (
                "query, `using` on the registry",
                Box::new(|| run_sync(key().using("replica").optional(&registry))),
            ),
            (
                "query, `using_schema` on the registry",
                Box::new(|| run_sync(key().using_schema("tenant_7").optional(&registry))),
            ),
        ];
        measure(&contenders, &mut out)
    })?;
    registries(&mut out)
}

async fn fill(registry: &Registry, replica: &estoult::Database) -> estoult::Result<()> {
    let database = registry.default_database();
    database.create_schema("tenant_7").await?;
    let tenant = database.using_schema("tenant_7")?;
    for database in [database, replica, &tenant] {
        let table = "create table {schema}.users (id integer primary key, name text not null)";
        batch(database, table).await?;
        let name = "Ada".to_owned();
        new!(User { name }).insert(database).await?;
    }
    Ok(())
}

/// Runs the contenders in turns, and prints the median of each beside the first of its kind.
fn measure(contenders: &[(&str, Work<'_>)], out: &mut impl Write) -> estoult::Result<()> {
    let mut times = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    for round in 0..ROUNDS {
        for turn in 0..contenders.len() {
            let place = (turn + round) % contenders.len();
            let begun = Instant::now();
            for _ in 0..OPERATIONS {
                (contenders[place].1)()?;
            }
            times[place].push(begun.elapsed() / OPERATIONS);
        }
    }
    let mut first = Duration::ZERO;
    for ((name, _), mut times) in contenders.iter().zip(times) {
        times.sort();
        let median = times[ROUNDS / 2];
        if name.ends_with("a database") {
            first = median;
        }
        let more = median.saturating_sub(first);
        // Nobody is told when the pipe is closed.
        let _ = writeln!(out, "{name:40} {median:>8.2?}   + {more:.0?}");
    }
    Ok(())
}

fn registries(out: &mut impl Write) -> Outcome<()> {
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let mut builder = Registry::builder("postgres://app:secret@127.0.0.1:5432/shop");
        for number in 1..DATABASES {
            let url = format!("postgres://app:secret@127.0.0.1:5432/shop_{number}");
            builder = builder.extra(format!("shop_{number}"), url);
        }
        let registry = builder.build()?;
        times.push(begun.elapsed());
        drop(registry);
    }
    times.sort();
    writeln!(
        out,
        "build a registry of {DATABASES} databases       {:>8.2?}",
        times[ROUNDS / 2]
    )?;
    Ok(())
}
