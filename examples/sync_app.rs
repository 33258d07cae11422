//! A program without async: each thread enters an environment and waits for its statements.

use std::{thread, time::Duration};

use estoult::{Registry, Result, Schema, batch, new, run_sync, run_sync_within};

#[derive(Debug, Clone, Schema)]
struct Visit {
    id: i64,
    page: String,
}

/// Counts for a minute or so.
const SLOW: &str = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000000000) \
                    select max(i) from n";

const TABLES: &str = "create table visits (id integer primary key, page text not null)";

fn main() -> Result<()> {
    let registry = Registry::builder("sqlite::memory:").build()?;
    registry.with_async_env(|| {
        run_sync(batch(&registry, TABLES))?;
        thread::scope(|scope| {
            for page in ["/", "/books", "/authors"] {
                let registry = &registry;
                scope.spawn(move || {
                    if let Err(error) = serve(registry, page) {
                        eprintln!("serve {page}: {error}");
                    }
                });
            }
        });
        println!("{} visits", run_sync(Visit::query().count(&registry))?);

        // At the limit the statement is cancelled, and an open transaction rolled back.
        let slow = estoult::sql(SLOW).all::<(i64,)>(&registry);
        if let Err(error) = run_sync_within(Duration::from_millis(200), slow) {
            println!("timed out: {}", error.message());
        }
        Ok(())
    })
}

/// What one thread of a server does: it has its own environment and connections. The guard replaces the closure of
/// `with_async_env`.
fn serve(registry: &Registry, page: &str) -> Result<()> {
    let environment = registry.enter_sync()?;
    for _ in 0..3 {
        let page = page.to_owned();
        run_sync(new!(Visit { page }).insert(registry))?;
    }
    environment.close()
}
