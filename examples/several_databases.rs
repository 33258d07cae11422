//! A registry of three databases: one is the default, the others are asked for by name.

use estoult::{Database, Registry, Result, Schema, batch, new};

#[derive(Debug, Clone, Schema)]
struct Event {
    id: i64,
    text: String,
}

const TABLES: &str = "create table events (id integer primary key, text text not null)";

#[tokio::main]
async fn main() -> Result<()> {
    let registry = Registry::builder("sqlite::memory:")
        .extra("archive", "sqlite::memory:")
        .extra(
            "audit",
            Database::builder("sqlite::memory:").max_connections(2),
        )
        .build()?;
    // All or none: a database that can't be reached is an error that names it.
    let lifespan = registry.connect().await?;
    for database in registry.databases() {
        batch(database, TABLES).await?;
    }

    // `&registry` is the default database.
    let event = new!(Event {
        text: "opened".to_owned()
    })
    .insert(&registry)
    .await?;

    let audit = registry.using("audit")?;
    new!(Event {
        text: format!("{} was written", event.id)
    })
    .insert(&audit)
    .await?;
    for database in registry.databases() {
        let events = Event::query().count(database).await?;
        println!("{:8} {events} events", database.name());
    }

    if let Err(error) = registry.using("audits") {
        println!("{error}");
    }
    lifespan.close().await
}
