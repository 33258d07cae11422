//! The registry of the process, of a scope and of a test.

use std::thread;

use estoult::{Context, ErrorKind, Registry, Result, registry, run_sync};

use crate::support::{runtime, wrap};

fn named(name: &str) -> Registry {
    Registry::builder("sqlite::memory:")
        .extra(name, "sqlite::memory:")
        .build()
        .unwrap()
}

/// The name of the extra database of the registry at hand.
fn seen() -> Result<String> {
    registry().map(|registry| registry.names().last().unwrap_or_default().to_owned())
}

#[track_caller]
fn expect(name: &str) {
    assert_eq!(seen().unwrap(), name);
}

// The registry of the process is one for all tests, so what it does is one test.
#[test]
fn the_registry_of_the_process_is_installed_once_and_replaced_by_tests() {
    let error = registry().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Configuration));
    insta::assert_snapshot!(wrap(error), @r"
    get the registry of the process: none is installed; call `registry.install()` at
    the start of the program
    ");
    let only_test = named("before").install_for_test();
    expect("before");
    named("archive").install().unwrap();
    expect("before");
    drop(only_test);
    expect("archive");

    let error = named("other").install().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Configuration));
    insta::assert_snapshot!(wrap(error), @r"
    install a registry: the process has one already; install once, or hand the
    registry on
    ");
    expect("archive");

    let first = named("first").install_for_test();
    let second = named("second").install_for_test();
    expect("second");
    assert_eq!(thread::spawn(seen).join().unwrap().unwrap(), "second");
    // A scope is nearer than what the process has.
    assert_eq!(named("scoped").run(seen).unwrap(), "scoped");
    drop(first);
    expect("second");
    drop(second);
    expect("archive");
}

#[test]
fn a_scope_has_a_registry_of_its_own_on_every_thread() {
    let threads: Vec<_> = (0..8)
        .map(|number| {
            thread::spawn(move || {
                let name = format!("database {number}");
                for _ in 0..200 {
                    assert_eq!(named(&name).run(seen).unwrap(), name);
                }
            })
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
}

#[test]
fn scopes_nest_and_the_innermost_counts() {
    runtime().block_on(async {
        let (outer, inner) = (named("outer"), named("inner"));
        let scoped = outer.scope(async {
            let nested = inner.scope(async { seen().unwrap() }).await;
            (nested, seen().unwrap())
        });
        assert_eq!(scoped.await, ("inner".to_owned(), "outer".to_owned()));
    });
}

#[test]
fn a_scope_is_taken_into_run_sync_and_by_its_context_into_tasks() {
    runtime().block_on(async {
        named("scoped")
            .scope(async {
                assert_eq!(run_sync(async { seen() }).unwrap(), "scoped");
                let context = Context::current();
                let task = tokio::spawn(context.scope(async { seen().unwrap() }));
                assert_eq!(task.await.unwrap(), "scoped");
                let context = Context::current();
                let thread = thread::spawn(move || context.run(|| seen().unwrap()));
                assert_eq!(thread.join().unwrap(), "scoped");
            })
            .await;
    });
}
