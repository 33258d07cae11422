//! The limit of `run_sync`: futures of other crates that never complete end, statements are not counted.

use std::{
    future::pending,
    time::{Duration, Instant},
};

use estoult::{
    Dialect, Error, ErrorKind, Registry, RegistryConfig, Result, Schema, run_sync, run_sync_within,
    sql,
};

use super::{registry, thread_kind::PLACES};
use crate::support::{
    Fresh, on_every_fresh,
    schemas::{Author, author},
    wrap,
};

const SHORT: Duration = Duration::from_millis(60);
/// Far more than the limit of these tests, and less than the usual one.
const LONG: Duration = Duration::from_secs(20);

/// A registry of the same database with a short limit.
fn short(fresh: &Fresh) -> Result<Registry> {
    registry(fresh)?;
    Registry::builder(&*fresh.url).sync_limit(SHORT).build()
}

fn assert_expired<T: std::fmt::Debug>(outcome: Result<T>, line: u32) -> Error {
    let error = outcome.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
    let call = format!("{}:{line}:", file!());
    assert!(error.message().contains(&call), "{call} {error:?}");
    error
}

on_every_fresh!(a_future_that_never_completes_ends_at_the_limit, |fresh| {
    let registry = short(fresh)?;
    for place in PLACES {
        place.run(&registry, |registry| {
            // Task threads know the registry only when it is that of the process or of an environment.
            registry.with_async_env(|| {
                let begun = Instant::now();
                let (line, cut) = (line!(), run_sync(pending::<Result<()>>()));
                assert_expired(cut, line);
                let lost = registry.transaction(async |tx| {
                    let row = estoult::new!(Author {
                        name: "lost".to_owned(),
                        email: None
                    });
                    row.insert(tx).await?;
                    pending::<Result<()>>().await
                });
                let (line, cut) = (line!(), run_sync(lost));
                assert_expired(cut, line);
                assert!(begun.elapsed() < LONG);
                assert_eq!(run_sync(Author::query().count(registry))?, 0);
                Ok(())
            })
        })?;
    }
    Ok(())
});

on_every_fresh!(
    a_call_within_a_future_has_the_limit_of_the_outer_one,
    |fresh| {
        let registry = short(fresh)?;
        for place in PLACES {
            place.run(&registry, |registry| {
                registry.with_async_env(|| {
                    let begun = Instant::now();
                    let nested = run_sync(async {
                        let (line, cut) = (line!(), run_sync(pending::<Result<()>>()));
                        assert_expired(cut, line);
                        Ok(())
                    });
                    assert!(begun.elapsed() < LONG);
                    nested
                })
            })?;
        }
        Ok(())
    }
);

/// A statement that takes several times the limit.
fn slow(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => {
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1500000) select count(*) from n"
        }
        Dialect::Postgres => "select pg_sleep(0.4)",
        _ => "select sleep(0.4)",
    }
}

on_every_fresh!(waits_for_a_database_are_not_counted, |fresh| {
    let registry = short(fresh)?;
    for place in PLACES {
        place.run(&registry, |registry| {
            registry.with_async_env(|| {
                let begun = Instant::now();
                let text = slow(registry.default_database().dialect());
                run_sync(sql(text).execute(registry))?;
                assert!(begun.elapsed() > SHORT, "{:?}", begun.elapsed());
                Ok(())
            })
        })?;
    }
    Ok(())
});

on_every_fresh!(waits_between_statements_are_counted_one_by_one, |fresh| {
    registry(fresh)?;
    // Far apart, so that a pause of the machine is not taken for one of the program.
    let (limit, pause) = (Duration::from_secs(2), Duration::from_millis(300));
    let registry = Registry::builder(&*fresh.url).sync_limit(limit).build()?;
    registry.with_async_env(|| {
        let begun = Instant::now();
        run_sync(async {
            while begun.elapsed() < limit + pause {
                tokio::time::sleep(pause).await;
                author(registry.default_database(), "Kurt").await?;
            }
            Ok(())
        })?;
        // Without statements the pieces are one wait.
        let begun = Instant::now();
        let waits = async {
            while begun.elapsed() < LONG {
                tokio::time::sleep(pause).await;
            }
            Ok(())
        };
        let (line, cut) = (line!(), run_sync(waits));
        assert_expired(cut, line);
        Ok(())
    })
});

on_every_fresh!(
    a_limit_of_the_call_takes_the_place_of_the_registrys,
    |fresh| {
        let registry = short(fresh)?;
        registry.with_async_env(|| {
            run_sync_within(LONG, async {
                tokio::time::sleep(SHORT * 3).await;
                Ok(())
            })
        })
    }
);

#[test]
fn its_error_names_the_call() {
    let registry = Registry::builder("sqlite::memory:")
        .sync_limit(SHORT)
        .build()
        .unwrap();
    let (line, cut) = registry
        .with_async_env(|| Ok((line!(), run_sync(pending::<Result<()>>()))))
        .unwrap();
    let error = assert_expired(cut, line);
    let (_, rest) = error.message().split_once(": it waited 60ms for ").unwrap();
    insta::assert_snapshot!(wrap(rest), @r"
    something other than a database, so it was dropped, and what it had not
    committed is rolled back; find out what it waits for, use `run_sync_within`, or
    give all calls more time with `RegistryBuilder::sync_limit`
    ");
}

#[test]
fn no_time_at_all_is_refused() {
    let built = Registry::builder("sqlite::memory:")
        .sync_limit(Duration::ZERO)
        .build();
    assert_eq!(
        built.unwrap_err().message(),
        "build a registry: `sync_limit` is 0, so no call could wait; give it more"
    );
}

#[test]
fn it_is_read_from_the_environment() {
    let read = |limit: &str| {
        RegistryConfig::from_vars([
            ("DATABASE_URL", "sqlite::memory:"),
            ("ESTOULT_SYNC_LIMIT", limit),
        ])
    };
    assert_eq!(read("50ms").unwrap().sync_limit, Duration::from_millis(50));
    assert_eq!(read("").unwrap().sync_limit, Duration::from_secs(30));
    for wrong in ["0", "never", "-1"] {
        let error = read(wrong).unwrap_err();
        assert!(
            error.message().contains("`ESTOULT_SYNC_LIMIT` takes"),
            "{error:?}"
        );
    }
    let registry = Registry::from_config(read("50ms").unwrap()).unwrap();
    let cut = registry.with_async_env(|| run_sync(pending::<Result<()>>()));
    assert!(matches!(cut.unwrap_err().kind(), ErrorKind::Timeout));
}
