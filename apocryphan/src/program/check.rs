//! `estoult check`.

use std::{io::Write, time::Duration};

use clap::Args;
use estoult::{Lifespan, Registry, database::DatabaseHealth, registry::Health};
use serde_json::{Value, json};
use tokio::{runtime::Runtime, time::timeout};

use super::source::Source;
use crate::{exit::Exit, shell::Streams};

/// Verify the configuration, connect to each database and print its health
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

impl Arguments {
    pub(super) fn run(self, runtime: &Runtime, mut streams: Streams) -> Exit {
        let registry = match self.source.registry(false) {
            Ok(registry) => registry,
            Err(reason) => {
                streams.error(&reason);
                return Exit::Failed;
            }
        };
        let within = Duration::from_secs(self.within.into());
        let health = runtime.block_on(check(&registry, within));
        let text = match self.json {
            true => list(&health),
            false => health.to_string(),
        };
        // A caller that closed the stream still learns the outcome from the exit code.
        let _ = writeln!(streams.output, "{text}");
        match health.is_healthy() {
            true => Exit::Done,
            false => Exit::Failed,
        }
    }
}

/// Connects each database and checks the health of all.
///
/// The databases connect one by one and not as a registry, which would close all of them if one fails. A failure is
/// left out here: the health check of that database reports it.
async fn check(registry: &Registry, within: Duration) -> Health {
    let connecting: Vec<_> = registry
        .databases()
        .cloned()
        .map(|database| {
            tokio::spawn(async move { timeout(within, database.connect()).await.ok()?.ok() })
        })
        .collect();
    let mut lifespans: Vec<Lifespan> = Vec::new();
    // Held until the health is known: a lifespan that ends closes its connections.
    for task in connecting {
        lifespans.extend(task.await.ok().flatten());
    }
    let health = registry.health_within(within).await;
    for lifespan in lifespans {
        // The program ends next, and the operating system closes what is left.
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
