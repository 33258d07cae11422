//! Databases that are used while no lifespan keeps them connected: told of, refused, or silent.

use estoult::{Database, DatabaseNotConnected, ErrorKind, Registry, Result, Schema, batch, sql};
use tokio::runtime::{Builder, Runtime};

use crate::support::{
    Capture, Fresh, mask, on_every_fresh,
    schemas::{Author, create_tables},
    wrap,
};

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// What is logged while this runs.
fn told(work: impl AsyncFnOnce() -> Result<()>) -> Result<Vec<String>> {
    let capture = Capture::default();
    tracing::subscriber::with_default(capture.clone(), || current_thread().block_on(work()))?;
    Ok(capture.lines())
}

on_every_fresh!(each_place_is_told_of_once_and_each_use_counted, |fresh| {
    let db = fresh.database();
    let lines = told(async || {
        for _ in 0..3 {
            batch(&db, "select 1").await?;
            sql("select 1").execute(&db).await?;
        }
        Ok(())
    })?;
    assert_eq!((lines.len(), db.used_unconnected()), (2, 6));
    Ok(())
});

fn of(fresh: &Fresh, policy: DatabaseNotConnected) -> Result<Database> {
    Database::builder(&fresh.url).not_connected(policy).build()
}

on_every_fresh!(a_silent_database_works_and_counts, |fresh| {
    let db = of(fresh, DatabaseNotConnected::Silent)?;
    let lines = told(async || {
        create_tables(&db).await?;
        assert_eq!(Author::query().count(&db).await?, 0);
        Ok(())
    })?;
    assert_eq!(lines, [""; 0]);
    assert!(db.used_unconnected() > 0);
    assert_eq!(db.status().open, 0);
    Ok(())
});

on_every_fresh!(
    a_refusing_database_names_the_place_and_the_remedy,
    |fresh| {
        let db = of(fresh, DatabaseNotConnected::Error)?;
        let lines = told(async || {
            let error = Author::query().count(&db).await.unwrap_err();
            let line = line!() - 1;
            assert!(
                matches!(error.kind(), ErrorKind::Configuration),
                "{error:?}"
            );
            let place = error.origin().unwrap();
            assert_eq!((place.file(), place.line()), (file!(), line));
            let text = error.message().replace(&db.to_string(), "DATABASE");
            insta::assert_snapshot!(wrap(mask(&text)), @r"
            use DATABASE: it is not connected; call `connect()` first and keep the lifespan
            for as long as the database is used
            ");
            db.begin().await.unwrap_err();
            db.pin().await.unwrap_err();
            assert_eq!(db.used_unconnected(), 3);
            assert!(
                db.health().await.is_healthy(),
                "asking after its health is no use"
            );
            let lifespan = db.connect().await?;
            create_tables(&db).await?;
            assert_eq!(Author::query().count(&db).await?, 0);
            lifespan.close().await?;
            Author::query().count(&db).await.unwrap_err();
            assert_eq!(db.used_unconnected(), 4);
            Ok(())
        })?;
        assert_eq!(lines, [""; 0]);
        Ok(())
    }
);

on_every_fresh!(a_registry_says_it_for_those_that_say_nothing, |fresh| {
    let own = of(fresh, DatabaseNotConnected::Silent)?;
    let given = fresh.database();
    let registry = Registry::builder(&*fresh.url)
        .extra("own", own)
        .extra("given", given.clone())
        .not_connected(DatabaseNotConnected::Error)
        .build()?;
    let lines = told(async || {
        let error = batch(&registry, "select 1").await.unwrap_err();
        assert!(error.message().starts_with("use `default` ("), "{error}");
        let error = batch(&registry.using("given")?, "select 1")
            .await
            .unwrap_err();
        assert!(error.message().starts_with("use `given` ("), "{error}");
        batch(&registry.using("own")?, "select 1").await?;
        assert_eq!(registry.using("own")?.used_unconnected(), 1);
        // Outside of the registry that setting does not apply.
        batch(&given, "select 1").await?;
        Ok(())
    })?;
    assert_eq!((lines.len(), given.used_unconnected()), (1, 2));
    Ok(())
});
