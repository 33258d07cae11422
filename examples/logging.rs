//! What a program sees of its SQL: a log through `tracing`, and an observer that counts statements.
//!
//! `RUST_LOG` chooses what is logged, such as `estoult::sql=trace`; without it statements are.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use estoult::{
    Database, Result, Schema, batch, new,
    observe::{Event, Observer, Operation},
    with_tags,
};
use tracing_subscriber::EnvFilter;

#[derive(Debug, Clone, Schema)]
struct Book {
    id: i64,
    title: String,
}

/// How often each text has run, and how long that took.
#[derive(Debug, Clone, Default)]
struct Statistics(Arc<Mutex<BTreeMap<String, (u32, Duration)>>>);

impl Observer for Statistics {
    fn observe(&self, event: &Event<'_>) {
        if event.operation != Operation::Statement {
            return;
        }
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (times, time) = texts.entry(event.sql.to_owned()).or_default();
        *times += 1;
        *time += event.run + event.decoded;
    }
}

impl Statistics {
    fn print(&self) {
        let texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (text, (times, time)) in &*texts {
            println!("{times} × {text}: {time:?}");
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let filter = EnvFilter::try_from_default_env();
    tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|_| EnvFilter::new("estoult::sql=debug")))
        .init();

    let statistics = Statistics::default();
    let database = Database::builder("sqlite::memory:")
        .slow_statement(Duration::from_millis(200))
        .observer(statistics.clone())
        .build()?;
    let lifespan = database.connect().await?;
    batch(
        &database,
        "create table books (id integer primary key, title text not null)",
    )
    .await?;

    for (request, title) in ["Galápagos", "Bluebeard"].into_iter().enumerate() {
        with_tags([("request", request.to_string())], sell(&database, title)).await?;
    }

    statistics.print();
    lifespan.close().await
}

/// The titles are bound, so no line of the log has them.
async fn sell(database: &Database, title: &str) -> Result<()> {
    database
        .transaction(async |tx| {
            let title = title.to_owned();
            let book = new!(Book { title }).insert(tx).await?;
            Book::query().filter(Book::id.le(book.id)).count(tx).await
        })
        .await?;
    Ok(())
}
