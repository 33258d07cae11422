//! SQLite's URLs: files, memory, and options.

use std::path::PathBuf;

use estoult::{Database, ErrorKind, Result, Schema, sql};

use super::refused;
use crate::support::{
    Backend, Fresh, runtime,
    schemas::{Author, author, create_tables},
    wrap,
};

fn path(fresh: &Fresh) -> PathBuf {
    fresh.url.trim_start_matches("sqlite:").into()
}

/// Runs work on a database that is connected for it.
fn connected<T>(url: &str, work: impl AsyncFnOnce(&Database) -> Result<T>) -> Result<T> {
    let db = Database::builder(url).max_connections(4).build()?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        let value = work(&db).await?;
        lifespan.close().await?;
        Ok(value)
    })
}

async fn pragma(db: &Database, name: &str) -> Result<String> {
    let text = format!("select cast({name} as text) from pragma_{name}");
    let (value,): (String,) = sql(text).one(db).await?;
    Ok(value)
}

async fn pragmas(db: &Database) -> Result<[String; 3]> {
    let journal = pragma(db, "journal_mode").await?;
    let synchronous = pragma(db, "synchronous").await?;
    Ok([journal, synchronous, pragma(db, "foreign_keys").await?])
}

#[test]
fn a_file_has_safe_and_fast_settings_by_default() {
    let fresh = Fresh::new(Backend::Sqlite);
    let settings = connected(&fresh.url, async |db| pragmas(db).await).unwrap();
    assert_eq!(settings, ["wal", "1", "1"]);
}

#[test]
fn options_of_the_url_are_followed() {
    let fresh = Fresh::new(Backend::Sqlite);
    let url = format!(
        "{}?journal_mode=truncate&synchronous=full&foreign_keys=off",
        fresh.url
    );
    let settings = connected(&url, async |db| pragmas(db).await).unwrap();
    assert_eq!(settings, ["truncate", "2", "0"]);
}

#[test]
fn wrong_options_are_all_named() {
    let url = "sqlite:shop.db?mode=write&busy_timeout=long&foreign_keys=maybe&journal_mode=fast\
               &synchronous=never&cache=big";
    insta::assert_snapshot!(wrap(refused(url).replace("; ", ";\n")), @r"
    read a sqlite URL: option `mode` takes ro, rw, rwc or memory;
    option `busy_timeout` takes a number of milliseconds;
    option `foreign_keys` takes on or off;
    option `journal_mode` takes wal, delete, truncate, persist, memory or off;
    option `synchronous` takes off, normal, full or extra;
    unknown option `cache` (known: mode, busy_timeout, foreign_keys, journal_mode,
    synchronous)
    ");
}

#[test]
fn the_ways_to_write_a_path_mean_the_same_file() {
    let fresh = Fresh::new(Backend::Sqlite);
    let file = path(&fresh);
    connected(&fresh.url, async |db| create_tables(db).await).unwrap();
    for url in [
        format!("sqlite:{}", file.display()),
        format!("sqlite://{}", file.display()),
    ] {
        connected(&url, async |db| author(db, "Kurt").await).unwrap();
    }
    let count = connected(&fresh.url, async |db| Author::query().count(db).await);
    assert_eq!(count.unwrap(), 2);
}

#[test]
fn a_missing_file_is_made_unless_the_mode_forbids_it() {
    let fresh = Fresh::new(Backend::Sqlite);
    for mode in ["rw", "ro"] {
        let url = format!("{}?mode={mode}", fresh.url);
        let error = connected(&url, async |_| Ok(())).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
        let file = path(&fresh).display().to_string();
        insta::allow_duplicates! {
            insta::assert_snapshot!(wrap(error.to_string().replace(&file, "FILE")), @r"
            `default` (sqlite:FILE): open the SQLite file `FILE`: the file does not exist,
            and neither `mode=rw` nor a read-only database makes one; create it first
            ");
        }
        assert!(!path(&fresh).exists());
    }
    connected(&fresh.url, async |_| Ok(())).unwrap();
    assert!(path(&fresh).exists());
    connected(&format!("{}?mode=rw", fresh.url), async |_| Ok(())).unwrap();
}

#[test]
fn a_read_only_database_reads_and_refuses_writes() {
    let fresh = Fresh::new(Backend::Sqlite);
    connected(&fresh.url, async |db| {
        create_tables(db).await?;
        author(db, "Kurt").await.map(drop)
    })
    .unwrap();
    let read = async |db: &Database| {
        assert_eq!(Author::query().count(db).await?, 1);
        let error = author(db, "Ada").await.unwrap_err();
        let message = error.message().replace(db.address(), "ADDRESS");
        insta::assert_snapshot!(wrap(message), @"
        write to the table `authors`: the database `default` (ADDRESS) is read only, so
        nothing was sent; write to a database that is not
        ");
        let raw = sql("delete from authors").all::<(i64,)>(db).await;
        insta::assert_snapshot!(wrap(raw.unwrap_err().message().replace(db.address(), "ADDRESS")), @"
        run a statement on `default` (ADDRESS): attempt to write a readonly database;
        the database, the transaction or the user may only read: write to a database
        that is not read only
        ");
        db.transaction_with()
            .read_only()
            .run(async |tx| Author::query().count(tx).await)
            .await
    };
    let count = connected(&format!("{}?mode=ro", fresh.url), read).unwrap();
    assert_eq!(count, 1);
}

#[test]
fn a_missing_folder_is_named() {
    let fresh = Fresh::new(Backend::Sqlite);
    let folder = path(&fresh).with_file_name("missing");
    let url = format!("sqlite:{}", folder.join("shop.db").display());
    let error = connected(&url, async |_| Ok(())).unwrap_err();
    let text = error
        .to_string()
        .replace(&*folder.to_string_lossy(), "FOLDER");
    insta::assert_snapshot!(wrap(text), @r"
    `default` (sqlite:FOLDER/shop.db): open the SQLite file `FOLDER/shop.db`: the
    folder `FOLDER` does not exist; create it first
    ");
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let fresh = Fresh::new(Backend::Sqlite);
    std::fs::write(
        path(&fresh),
        "a letter, much longer than the header of a database: ".repeat(40),
    )
    .unwrap();
    let error = connected(&fresh.url, async |_| Ok(())).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
    let file = path(&fresh).display().to_string();
    insta::assert_snapshot!(wrap(error.to_string().replace(&file, "FILE")), @r"
    `default` (sqlite:FILE): open the SQLite file `FILE`: it is a file of another
    kind, or encrypted
    ");
}

#[test]
fn a_folder_is_no_file() {
    let fresh = Fresh::new(Backend::Sqlite);
    let folder = path(&fresh).parent().unwrap().display().to_string();
    let error = connected(&format!("sqlite:{folder}"), async |_| Ok(())).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
    insta::assert_snapshot!(wrap(error.to_string().replace(&folder, "FOLDER")), @r"
    `default` (sqlite:FOLDER): open the SQLite file `FOLDER`: it is a folder, not a
    file
    ");
}

#[test]
fn a_database_in_memory_is_one_for_the_whole_pool() {
    for url in ["sqlite::memory:", "sqlite://:memory:"] {
        let count = connected(url, async |db| {
            create_tables(db).await?;
            let tasks: Vec<_> = (0..20)
                .map(|number| {
                    let db = db.clone();
                    tokio::spawn(async move { author(&db, &number.to_string()).await })
                })
                .collect();
            for task in tasks {
                task.await.unwrap()?;
            }
            // Each of several connections at once sees all rows.
            let pinned = [db.pin().await?, db.pin().await?, db.pin().await?];
            for each in &pinned {
                assert_eq!(Author::query().count(each).await?, 20);
            }
            Ok(db.status().open)
        });
        assert!(count.unwrap() >= 3);
    }
}

#[test]
fn transactions_in_memory_are_kept_apart() {
    connected("sqlite::memory:", async |db| {
        create_tables(db).await?;
        let tx = db.begin().await?;
        let row = estoult::new!(Author {
            name: "Kurt".to_owned(),
            email: None
        });
        row.insert(&tx).await?;
        tx.rollback().await?;
        assert_eq!(Author::query().count(db).await?, 0);
        Ok(())
    })
    .unwrap();
}

#[test]
fn two_databases_in_memory_are_two() {
    connected("sqlite::memory:", async |first| {
        create_tables(first).await?;
        let second = Database::builder("sqlite::memory:").build()?;
        let lifespan = second.connect().await?;
        let error = Author::query().count(&second).await.unwrap_err();
        assert!(error.message().contains("no such table"), "{error}");
        lifespan.close().await
    })
    .unwrap();
}

#[test]
fn a_database_in_memory_outlives_its_idle_connections() {
    connected("sqlite::memory:", async |db| {
        create_tables(db).await?;
        author(db, "Kurt").await?;
        db.pin().await?.discard();
        assert_eq!(Author::query().count(db).await?, 1);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_misspelled_memory_is_refused() {
    for url in ["sqlite::memory", "sqlite::mem:", "sqlite://:memory"] {
        let error = Database::builder(url).build().unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Configuration),
            "{error:?}"
        );
        assert!(error.message().contains("`sqlite::memory:`"), "{error}");
    }
}
