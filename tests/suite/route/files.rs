//! SQLite's schemas are files that a connection attaches when a statement is about them.

use estoult::{Database, ErrorKind, Schema, sql};

use super::{Author, author, names};
use crate::support::{Backend, Fresh, create_table, runtime, wrap};

async fn tenant(database: &Database, name: &str) -> estoult::Result<Database> {
    database.create_schema(name).await?;
    let tenant = database.using_schema(name)?;
    create_table::<Author>(&tenant).await?;
    Ok(tenant)
}

/// Runs a test on a file and on a database in memory.
fn on_both(test: impl AsyncFn(&Database) -> estoult::Result<()>) {
    let fresh = Fresh::new(Backend::Sqlite);
    for url in [&*fresh.url, "sqlite::memory:"] {
        let outcome = runtime().block_on(async {
            let database = Database::builder(url).build()?;
            let lifespan = database.connect().await?;
            test(&database).await?;
            lifespan.close().await
        });
        outcome.unwrap_or_else(|error| panic!("{url}: {error}"));
    }
}

#[test]
fn there_may_be_more_schemas_than_files_are_attached_at_once() {
    on_both(async |database| {
        let mut tenants = Vec::new();
        for number in 0..25 {
            let tenant = tenant(database, &format!("tenant_{number}")).await?;
            author(&tenant, &format!("Author {number}")).await?;
            tenants.push(tenant);
        }
        for _ in 0..3 {
            for (number, tenant) in tenants.iter().enumerate() {
                assert_eq!(names(tenant).await?, [format!("Author {number}")]);
            }
        }
        assert_eq!(database.schemas().await?.len(), 25);
        Ok(())
    });
}

#[test]
fn a_dropped_schema_is_let_go_of_by_every_connection() {
    on_both(async |database| {
        let first = tenant(database, "tenant").await?;
        author(&first, "Kurt").await?;
        // Several connections have the file attached.
        let held = [first.pin().await?, first.pin().await?, first.pin().await?];
        for connection in &held {
            assert_eq!(Author::query().count(connection).await?, 1);
        }
        database.drop_schema_and_tables("tenant").await?;
        let again = tenant(database, "tenant").await?;
        for connection in &held {
            assert_eq!(Author::query().count(connection).await?, 0);
        }
        author(&again, "Ursula").await?;
        for connection in &held {
            assert_eq!(Author::query().count(connection).await?, 1);
        }
        Ok(())
    });
}

#[test]
fn a_schema_may_be_used_first_within_a_transaction() {
    on_both(async |database| {
        let tenant = tenant(database, "tenant").await?;
        create_table::<Author>(database).await?;
        let pinned = [database.pin().await?, database.pin().await?];
        drop(pinned);
        let fresh = database.pin().await?;
        let tx = fresh.begin().await?;
        let author = Author::query().using_schema("tenant");
        assert_eq!(author.count(&tx).await?, 0);
        tx.commit().await?;
        let rolled_back = tenant.transaction(async |tx| {
            let (name, email) = ("Kurt".to_owned(), None);
            estoult::new!(Author { name, email }).insert(tx).await?;
            Err::<(), _>(estoult::Error::custom("no"))
        });
        rolled_back.await.unwrap_err();
        assert_eq!(names(&tenant).await?, [""; 0]);
        Ok(())
    });
}

#[test]
fn a_schema_that_is_not_there_is_an_error_and_no_file() {
    on_both(async |database| {
        let missing = database.using_schema("tenant_8")?;
        let error = Author::query().count(&missing).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Query), "{error:?}");
        assert!(
            error.message().contains("open the schema `tenant_8`"),
            "{error}"
        );
        assert!(
            error.message().contains("create it with `create_schema`"),
            "{error}"
        );
        assert_eq!(database.schemas().await?, [""; 0]);
        // The connection goes on.
        tenant(database, "tenant_8").await?;
        assert_eq!(Author::query().count(&missing).await?, 0);
        Ok(())
    });
}

#[test]
fn a_name_does_not_lead_out_of_the_folder() {
    on_both(async |database| {
        for name in ["../other", "a/b", "a\\b", ".hidden", "a\"b", "a;b"] {
            let error = database.create_schema(name).await.unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::Configuration),
                "{error:?}"
            );
        }
        let error = database.using_schema("../other").unwrap_err();
        insta::allow_duplicates! {
            insta::assert_snapshot!(wrap(error.message()), @r#"
            use the schema "../other": a schema of SQLite is a file, so its name may have
            letters, digits, `_`, `-` and `.` only; choose another name
            "#);
        }
        Ok(())
    });
}

#[test]
fn a_file_that_was_named_is_made_and_kept() {
    let fresh = Fresh::new(Backend::Sqlite);
    let file = fresh
        .url
        .replace("sqlite:", "")
        .replace("test.db", "elsewhere 50%.db");
    let outcome = runtime().block_on(async {
        let database = Database::builder(&fresh.url)
            .attach("Audit", &file)
            .build()?;
        let lifespan = database.connect().await?;
        let audit = database.using_schema("audit")?;
        create_table::<Author>(&audit).await?;
        author(&audit, "Kurt").await?;
        let (count,): (i64,) = sql("select count(*) from {schema}.authors")
            .one(&audit)
            .await?;
        assert_eq!(count, 1);
        lifespan.close().await?;
        let opened = Database::builder(format!("sqlite:{file}")).build()?;
        let lifespan = opened.connect().await?;
        assert_eq!(names(&opened).await?, ["Kurt"]);
        lifespan.close().await
    });
    outcome.expect("a file of its own");
}

#[test]
fn a_file_that_was_named_belongs_to_a_database_in_memory_too() {
    let fresh = Fresh::new(Backend::Sqlite);
    let file = fresh
        .url
        .replace("sqlite:", "")
        .replace("test.db", "kept.db");
    let outcome = runtime().block_on(async {
        let database = Database::builder("sqlite::memory:")
            .attach("kept", &file)
            .build()?;
        let lifespan = database.connect().await?;
        let kept = tenant(&database, "kept").await?;
        author(&kept, "Kurt").await?;
        assert!(std::path::Path::new(&file).exists());
        assert!(database.create_schema("kept").await.is_err());
        database.drop_schema_and_tables("kept").await?;
        assert!(!std::path::Path::new(&file).exists());
        lifespan.close().await
    });
    outcome.expect("a file of its own");
}

#[test]
fn only_sqlite_has_files_to_attach() {
    let server = Database::builder("postgres://localhost/shop").attach("audit", "audit.db");
    insta::assert_snapshot!(wrap(server.build().unwrap_err().message()), @r"
    attach a file as the schema `audit`: only SQLite has files; leave out `attach`
    ");
}
