//! Making, listing and dropping schemas; and names that a database can't have.

use estoult::{Database, Dialect, ErrorKind, Registry, Schema, sql, with_schema};

use super::{Author, author, in_two_schemas, name, names, of};
use crate::support::{
    create_table, mask, on_every_backend, on_every_fresh, runtime, servers::postgres_url, wrap,
};

on_every_backend!(schemas_are_made_listed_and_dropped, async |db| {
    let kept = name(db, "kept").await?;
    let before = db.schemas().await?;
    assert!(!before.contains(&kept), "{before:?}");
    db.create_schema(&kept).await?;
    assert!(db.schemas().await?.contains(&kept));
    let error = db.create_schema(&kept).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Query), "{error:?}");
    assert!(error.message().contains("create the schema"), "{error}");
    let handle = db.using_schema(&kept)?;
    create_table::<Author>(&handle).await?;
    author(&handle, "Kurt").await?;
    let error = db.drop_schema(&kept).await.unwrap_err();
    assert!(
        error.message().contains("it has 1 tables; drop them first"),
        "{error}"
    );
    assert_eq!(names(&handle).await?, ["Kurt"]);
    db.drop_schema_and_tables(&kept).await?;
    assert_eq!(db.schemas().await?, before);
    assert!(names(&handle).await.is_err());
    db.drop_schema(&kept).await.unwrap_err();
    // It can be made again, and is empty.
    db.create_schema(&kept).await?;
    create_table::<Author>(&handle).await?;
    assert_eq!(Author::query().count(&handle).await?, 0);
    db.drop_schema_and_tables(&kept).await
});

on_every_backend!(a_name_that_is_none_is_refused, async |db| {
    for name in ["", "  ", " a", "a ", "a\0b"] {
        let handle = db.using_schema(name).unwrap_err();
        let created = db.create_schema(name).await.unwrap_err();
        let own = Author::query()
            .using_schema(name)
            .count(db)
            .await
            .unwrap_err();
        let scoped = with_schema(name, async { Author::query().count(db).await });
        let scoped = scoped.await.unwrap_err();
        for error in [handle, created, own, scoped] {
            assert!(
                matches!(error.kind(), ErrorKind::Configuration),
                "{error:?}"
            );
            assert!(error.message().starts_with("use the schema \""), "{error}");
        }
    }
    Ok(())
});

#[test]
fn a_name_that_postgres_would_cut_off_is_refused() {
    let database = Database::builder(postgres_url())
        .build()
        .expect("a database");
    let error = database.using_schema(&"t".repeat(64)).unwrap_err();
    insta::assert_snapshot!(wrap(mask(&error.message().replace("tttttttt", "t"))), @r#"
    use the schema "tttttttt": the name is longer than the # bytes that PostgreSQL
    compares; choose another name
    "#);
    database
        .using_schema(&"t".repeat(63))
        .expect("the longest name");
}

on_every_fresh!(nothing_is_left_on_the_connection, |fresh| {
    runtime().block_on(async {
        let database = Database::builder(&fresh.url).max_connections(1).build()?;
        let lifespan = database.connect().await?;
        let outcome = in_two_schemas(&database, async |a, _| {
            author(a, "Kurt").await?;
            with_schema(of(a), async { Author::query().count(&database).await }).await?;
            let _ = sql("select * from {schema}.missing").all::<(i64,)>(a).await;
            // The same connection, without a schema.
            assert_eq!(Author::query().count(&database).await?, 0);
            if fresh.url.starts_with("postgres") {
                let (path,): (String,) = sql("show search_path").one(&database).await?;
                assert_eq!(path, "\"$user\", public");
            } else if fresh.url.starts_with("mysql") {
                let (own,): (String,) = sql("select database()").one(&database).await?;
                assert!(!own.ends_with("_a"), "{own}");
            }
            Ok(())
        });
        outcome.await?;
        lifespan.close().await
    })
});

on_every_fresh!(
    a_registry_keeps_its_schema_for_all_of_its_databases,
    |fresh| {
        runtime().block_on(async {
            let registry = Registry::builder(&*fresh.url)
                .extra("again", &*fresh.url)
                .build()?;
            let lifespan = registry.connect().await?;
            let outcome = in_two_schemas(registry.default_database(), async |a, _| {
                let tenant = registry.using_schema(of(a))?;
                assert_eq!(tenant.default_database().schema(), a.schema());
                assert_eq!(tenant.schema(), a.schema());
                author(a, "Kurt").await?;
                assert_eq!(Author::query().count(&tenant).await?, 1);
                assert_eq!(names(&tenant.using("again")?).await?, ["Kurt"]);
                assert_eq!(Author::query().using("again").count(&tenant).await?, 1);
                assert_eq!(Author::query().count(&registry).await?, 0);
                tenant
                    .transaction(async |tx| Author::query().delete_all(tx).await)
                    .await?;
                assert_eq!(names(a).await?, [""; 0]);
                Ok(())
            });
            outcome.await?;
            lifespan.close().await
        })
    }
);

on_every_backend!(a_schema_is_one_schema_whatever_its_name_says, async |db| {
    if db.dialect() == Dialect::Sqlite {
        // Its schemas are files, whose names have no semicolon.
        db.create_schema("a; b").await.unwrap_err();
        return Ok(());
    }
    let odd = format!("{}; drop table x; --", name(db, "odd").await?);
    db.create_schema(&odd).await?;
    assert!(db.schemas().await?.contains(&odd));
    db.drop_schema(&odd).await?;
    assert!(!db.schemas().await?.contains(&odd));
    Ok(())
});
