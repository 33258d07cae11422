//! A program without async: each thread enters an environment and waits for its statements.

use std::thread;

use estoult::{Registry, Result, Schema, batch, new, run_sync};

#[derive(Debug, Clone, Schema)]
struct Visit {
    id: i64,
    page: String,
}

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
        Ok(())
    })
}

/// What one thread of a server does: it has an environment, and connections, of its own.
fn serve(registry: &Registry, page: &str) -> Result<()> {
    registry.with_async_env(|| {
        for _ in 0..3 {
            run_sync(
                new!(Visit {
                    page: page.to_owned()
                })
                .insert(registry),
            )?;
        }
        Ok(())
    })
}
