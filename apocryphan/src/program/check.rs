//! `estoult check`.

use std::{io::Write, time::Duration};

use clap::Args;
use estoult::{DatabaseHealth, Health, Lifespan, Registry};
use serde_json::{Value, json};
use tokio::{runtime::Runtime, time::timeout};

use super::{Streams, complain, exit, source::Source};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    source: Source,
    /// Print a list of objects
    #[arg(long)]
    json: bool,
    /// How many seconds each database has to answer
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    within: u32,
}

pub(super) fn run(arguments: &Arguments, runtime: &Runtime, mut streams: Streams) -> u8 {
    let registry = match arguments.source.registry(false) {
        Ok(registry) => registry,
        Err(why) => return complain(&mut streams, &why),
    };
    let within = Duration::from_secs(arguments.within.into());
    let health = runtime.block_on(ask(&registry, within));
    let text = match arguments.json {
        true => list(&health),
        false => health.to_string(),
    };
    // Whoever closed the stream still learns the outcome from the exit code.
    let _ = writeln!(streams.output, "{text}");
    match health.is_healthy() {
        true => exit::DONE,
        false => exit::FAILED,
    }
}

/// Connects each database for itself, and asks all how they fare. Those that can't be connected tell why when asked.
async fn ask(registry: &Registry, within: Duration) -> Health {
    let connecting: Vec<_> = registry
        .databases()
        .cloned()
        .map(|database| {
            tokio::spawn(async move { timeout(within, database.connect()).await.ok()?.ok() })
        })
        .collect();
    let mut lifespans: Vec<Lifespan> = Vec::new();
    for task in connecting {
        lifespans.extend(task.await.ok().flatten());
    }
    let health = registry.health_within(within).await;
    for lifespan in lifespans {
        // Nobody else uses them, and the program ends.
        let _ = lifespan.close().await;
    }
    health
}

fn list(health: &Health) -> String {
    let databases: Vec<Value> = health.databases().iter().map(object).collect();
    Value::from(databases).to_string()
}

fn object(health: &DatabaseHealth) -> Value {
    json!({
        "name": health.name,
        "address": health.address,
        "healthy": health.is_healthy(),
        "state": health.state.to_string(),
        "role": health.role.map(|role| role.to_string()),
        "latency_seconds": health.latency.map(|latency| latency.as_secs_f64()),
        "connections": {
            "open": health.pool.open,
            "in_use": health.pool.in_use,
            "waiting": health.pool.waiting,
            "max": health.pool.max,
        },
        "error": health.error.as_ref().map(|error| error.message()),
    })
}
