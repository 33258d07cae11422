//! A registry of three databases: one is the default, one stores the rows of a schema, one is used by name.

use estoult::{Database, Registry, Result, Schema, batch, new};

#[derive(Debug, Clone, Schema)]
#[schema(has_many(notes: Note, key = "event_id"))]
struct Event {
    id: i64,
    text: String,
}

/// Its rows are in the database `audit` for every statement on the registry.
#[derive(Debug, Clone, Schema)]
#[schema(database = "audit")]
struct Note {
    id: i64,
    event_id: i64,
    text: String,
}

const TABLES: &str = "
    create table events (id integer primary key, text text not null);
    create table notes (id integer primary key, event_id integer not null, text text not null);
";

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

    new!(Note {
        event_id: event.id,
        text: "by whom, and when".to_owned()
    })
    .insert(&registry)
    .await?;
    // A preload reads from the other database by itself.
    let noted = Event::query().preload(Event::notes).all(&registry).await?;
    for (event, notes) in &noted {
        println!("{}: {} notes", event.text, notes.len());
    }

    // One database by its name: as a handle, or set by a query.
    let archive = registry.using("archive")?;
    new!(Event {
        text: event.text.clone()
    })
    .insert(&archive)
    .await?;
    let archived = Event::query().using("archive").count(&registry).await?;
    println!("{archived} events in the archive");

    for result in [registry.using("audits").map(drop), joined(&registry).await] {
        if let Err(error) = result {
            println!("refused: {}", error.message());
        }
    }
    println!("{}", registry.health().await);
    lifespan.close().await
}

/// One statement over two databases, which no database can run.
async fn joined(registry: &Registry) -> Result<()> {
    let noted = Event::query().filter(Event::notes.exists());
    noted.count(registry).await.map(drop)
}
