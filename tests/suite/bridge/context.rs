//! What goes over to where a future runs, and what comes back: the context, panics, transactions.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use estoult::{Context, Registry, Result, Schema, Transaction, new, run_sync, run_sync_within};

use super::{insert_and_count, registry, thread_kind::PLACES};
use crate::support::{
    Backend, Fresh, on_every_fresh, runtime,
    schemas::{Author, author},
};

const LONG: Duration = Duration::from_secs(20);

#[test]
fn the_context_goes_along_to_every_place() {
    let registry = Registry::builder("sqlite::memory:").build().unwrap();
    for place in PLACES {
        let outcome = place.run(&registry, |_| {
            let context = Context::current()
                .in_schema("tenant_7")
                .tagged("request", "9");
            let seen = || async {
                let here = Context::current();
                let tags: Vec<_> = here
                    .tags()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                Ok((here.schema().map(str::to_owned), tags))
            };
            let expected = (Some("tenant_7".to_owned()), vec!["request=9".to_owned()]);
            context.run(|| {
                assert_eq!(run_sync(seen())?, expected);
                assert_eq!(run_sync(async { run_sync(seen()) })?, expected);
                // A scope inside ends where the future does.
                let inner = Context::current().in_schema("tenant_8").scope(seen());
                assert_eq!(run_sync(inner)?.0.as_deref(), Some("tenant_8"));
                assert_eq!(run_sync(seen())?, expected);
                Ok(())
            })?;
            assert_eq!(run_sync(seen())?, (None, Vec::new()));
            Ok(())
        });
        outcome.unwrap();
    }
}

async fn unsaved(tx: &Transaction) -> Result<()> {
    let row = new!(Author {
        name: "unsaved".to_owned(),
        email: None
    });
    row.insert(tx).await.map(drop)
}

on_every_fresh!(a_panic_comes_back_whole_and_nothing_leaks, |fresh| {
    #[derive(Debug, PartialEq)]
    struct Payload(u32);
    let registry = registry(fresh)?;
    for place in PLACES {
        place.run(&registry, |registry| {
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                run_sync(registry.transaction(async |tx| -> Result<()> {
                    unsaved(tx).await?;
                    std::panic::panic_any(Payload(7))
                }))
            }));
            let payload = panicked.map(drop).unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&Payload(7)));
            assert_eq!(run_sync(Author::query().count(registry))?, 0);
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                run_sync_within(LONG, async { std::panic::panic_any(Payload(8)) })
            }));
            let payload = panicked.map(|_: Result<()>| ()).unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&Payload(8)));
            let free = async {
                while registry.default_database().status().in_use > 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                Ok(())
            };
            run_sync_within(LONG, free)
        })?;
        assert_eq!(registry.default_database().status().in_use, 0, "{place:?}");
    }
    Ok(())
});

on_every_fresh!(
    a_statement_is_in_a_transaction_only_when_given_it,
    |fresh| {
        let registry = registry(fresh)?;
        for place in PLACES {
            place.run(&registry, |registry| {
                let tx = run_sync(registry.default_database().begin())?;
                run_sync(unsaved(&tx))?;
                assert_eq!(run_sync(Author::query().count(registry))?, 0);
                assert_eq!(run_sync(Author::query().count(&tx))?, 1);
                // Also within the future that holds it.
                run_sync(async {
                    assert_eq!(run_sync(Author::query().count(registry))?, 0);
                    Ok(())
                })?;
                run_sync(tx.rollback())?;
                assert_eq!(run_sync(Author::query().count(registry))?, 0);
                Ok(())
            })?;
        }
        Ok(())
    }
);

#[test]
fn a_write_in_a_child_task_is_outside_of_the_transaction() {
    for backend in [Backend::Postgres, Backend::MySql] {
        let fresh = Fresh::new(backend);
        let registry = registry(&fresh).unwrap();
        let outcome = registry.with_async_env(|| {
            let tx = run_sync(registry.default_database().begin())?;
            run_sync(unsaved(&tx))?;
            let of_child = registry.clone();
            run_sync(async {
                let child =
                    tokio::spawn(
                        async move { author(of_child.default_database(), "of a child").await },
                    );
                child.await.unwrap().map(drop)
            })?;
            assert_eq!(run_sync(Author::query().count(&tx))?, 2);
            run_sync(tx.rollback())?;
            let left = run_sync(Author::query().all(&registry))?;
            let names: Vec<_> = left.iter().map(|author| author.name.as_str()).collect();
            assert_eq!(names, ["of a child"]);
            Ok(())
        });
        outcome.unwrap();
    }
}

#[test]
fn a_write_in_a_child_task_waits_for_the_transaction_of_sqlite() {
    let fresh = Fresh::new(Backend::Sqlite);
    registry(&fresh).unwrap();
    let url = format!("{}?busy_timeout=50", fresh.url);
    let registry = Registry::builder(url).build().unwrap();
    let outcome = runtime().block_on(async {
        let lifespan = registry.connect().await?;
        let tx = registry.default_database().begin().await?;
        unsaved(&tx).await?;
        let of_child = registry.clone();
        let child = tokio::spawn(async move { author(of_child.default_database(), "late").await });
        let error = child.await.unwrap().unwrap_err();
        assert!(error.is_conflict(), "{error}");
        tx.rollback().await?;
        assert_eq!(insert_and_count(&registry)?, 1);
        lifespan.close().await
    });
    outcome.unwrap();
}
