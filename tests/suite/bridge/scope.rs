//! A scope covers its own future alone: tasks that the same thread happens to drive, and hooks, begin without it.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use estoult::{Context, Database, Registry, Result, registry, run_sync, run_sync_within, sql};
use tokio::task::yield_now;

use super::thread_kind::{PLACES, current_thread};
use crate::support::on_every_fresh;

const LONG: Duration = Duration::from_secs(20);

/// What a task sees: the schemas, and whether the registry of a scope.
type Seen = Arc<Mutex<BTreeSet<(Option<String>, bool)>>>;

/// The name of a database that only registries of scopes have, and not those that other tests install.
const SCOPED: &str = "of_a_scope";

fn look_around(seen: &Seen) {
    let schema = Context::current().schema().map(str::to_owned);
    let is_scoped = registry().is_ok_and(|registry| registry.using(SCOPED).is_ok());
    seen.lock().unwrap().insert((schema, is_scoped));
}

/// A task that looks around until it is stopped.
async fn look(seen: Seen, is_stopped: Arc<AtomicBool>) {
    while !is_stopped.load(Ordering::SeqCst) {
        look_around(&seen);
        yield_now().await;
    }
}

fn in_memory() -> Registry {
    let builder = Registry::builder("sqlite::memory:");
    builder.extra(SCOPED, "sqlite::memory:").build().unwrap()
}

/// A future that gives the tasks of its runtime many turns; what it sees itself.
async fn busy() -> Result<Option<String>> {
    for _ in 0..100 {
        yield_now().await;
    }
    Ok(Context::current().schema().map(str::to_owned))
}

#[test]
fn a_task_of_the_environment_sees_no_scope_of_its_thread() {
    let registry = in_memory();
    let (seen, is_stopped) = (Seen::default(), Arc::default());
    let outcome = registry.with_async_env(|| {
        run_sync(async {
            tokio::spawn(look(Arc::clone(&seen), Arc::clone(&is_stopped)));
            Ok(())
        })?;
        for tenant in ["tenant_7", "tenant_8"] {
            let context = Context::current().for_tenant(tenant);
            let own = context.run(|| run_sync(busy()))?;
            assert_eq!(own.as_deref(), Some(tenant));
            let context = Context::current().for_tenant(tenant);
            let own = context.run(|| run_sync_within(LONG, busy()))?;
            assert_eq!(own.as_deref(), Some(tenant));
        }
        registry.run(|| run_sync(async { estoult::registry().map(drop) }))?;
        registry.run(|| run_sync(busy()))?;
        is_stopped.store(true, Ordering::SeqCst);
        run_sync(busy())
    });
    outcome.unwrap();
    assert_eq!(*seen.lock().unwrap(), BTreeSet::from([(None, false)]));
}

#[test]
fn a_task_of_a_runtime_sees_no_scope_of_the_code_that_drives_it() {
    let runtime = current_thread();
    let (seen, is_stopped) = (Seen::default(), Arc::default());
    runtime.spawn(look(Arc::clone(&seen), Arc::clone(&is_stopped)));
    let context = Context::current().for_tenant("tenant_7");
    let own = context.run(|| runtime.block_on(busy())).unwrap();
    assert_eq!(own.as_deref(), Some("tenant_7"));
    // Also where the program gives the runtime, which is then driven to see whether it answers.
    let registry = in_memory();
    let context = Context::current().for_tenant("tenant_8");
    let own = context.run(|| registry.with_async_env_on(&runtime, || run_sync(busy())));
    assert_eq!(own.unwrap().as_deref(), Some("tenant_8"));
    is_stopped.store(true, Ordering::SeqCst);
    runtime.block_on(busy()).unwrap();
    assert_eq!(*seen.lock().unwrap(), BTreeSet::from([(None, false)]));
}

/// Looks around when it is dropped.
struct LooksOnDrop(Seen);

impl Drop for LooksOnDrop {
    fn drop(&mut self) {
        look_around(&self.0);
    }
}

#[test]
fn the_destructor_of_a_task_sees_no_scope_of_the_thread_that_ends_it() {
    let seen = Seen::default();
    let context = Context::current().for_tenant("tenant_7");
    let outcome = context.run(|| {
        in_memory().with_async_env(|| {
            run_sync(async {
                let looks = LooksOnDrop(Arc::clone(&seen));
                tokio::spawn(async move {
                    let _looks = looks;
                    std::future::pending::<()>().await;
                });
                busy().await
            })
        })
    });
    outcome.unwrap();
    assert_eq!(*seen.lock().unwrap(), BTreeSet::from([(None, false)]));
    // The destructor of what the future itself owns does see it.
    let seen = Seen::default();
    let looks = LooksOnDrop(Arc::clone(&seen));
    let context = Context::current().for_tenant("tenant_7");
    drop(context.scope(async move {
        let _looks = looks;
        std::future::pending::<()>().await;
    }));
    let expected = (Some("tenant_7".to_owned()), false);
    assert_eq!(*seen.lock().unwrap(), BTreeSet::from([expected]));
}

#[test]
fn sync_code_in_a_task_sees_the_scope_of_the_task() {
    let registry = in_memory();
    for place in PLACES {
        let outcome = place.run(&registry, |_| {
            let context = Context::current().for_tenant("tenant_7");
            context.run(|| {
                let here = || Context::current().schema().map(str::to_owned);
                assert_eq!(here().as_deref(), Some("tenant_7"));
                let inner = run_sync(async { run_sync(async { Ok(here()) }) })?;
                assert_eq!(inner.as_deref(), Some("tenant_7"));
                assert_eq!(here().as_deref(), Some("tenant_7"));
                Ok(())
            })
        });
        outcome.unwrap();
    }
}

/// A database whose hooks do plain raw SQL, and note what they see.
fn hooked(url: &str, seen: &Seen) -> Result<Database> {
    let (on_connect, on_disconnect, on_new) = (seen.clone(), seen.clone(), seen.clone());
    Database::builder(url)
        .on_connect(move |db: Database| {
            look_around(&on_connect);
            let seen = on_connect.clone();
            async move {
                sql("select 1").execute(&db).await?;
                look_around(&seen);
                Ok(())
            }
        })
        .on_disconnect(move |db: Database| {
            look_around(&on_disconnect);
            async move { sql("select 1").execute(&db).await.map(drop) }
        })
        .on_new_connection(move |connection| {
            look_around(&on_new);
            async move { sql("select 1").execute(&connection).await.map(drop) }
        })
        .build()
}

on_every_fresh!(hooks_run_in_an_empty_context, |fresh| {
    let seen = Seen::default();
    let builder = Registry::builder(hooked(&fresh.url, &seen)?);
    let registry = builder.extra(SCOPED, "sqlite::memory:").build()?;
    for place in PLACES {
        let tenant = || Context::current().for_tenant("tenant_7");
        // Whether the first one to connect is inside of a tenant or not.
        tenant().run(|| {
            place.run(&registry, |registry| {
                let statement = async { sql("select 1").execute(registry).await };
                run_sync(Context::default().scope(statement)).map(drop)
            })
        })?;
        place.run(&registry, |_| Ok(()))?;
    }
    let inside = async {
        let lifespan = registry.connect().await?;
        lifespan.close().await
    };
    let scoped = registry.scope(Context::current().for_tenant("tenant_7").scope(inside));
    current_thread().block_on(scoped)?;
    assert_eq!(*seen.lock().unwrap(), BTreeSet::from([(None, false)]));
    Ok(())
});
