//! Databases in memory behave as files do, and leave nothing behind.

use std::{fs, path::PathBuf, time::Duration};

use estoult::{Database, Result, Schema};

use crate::{
    suite::transaction::{names, put},
    support::{
        runtime,
        schemas::{Author, create_tables},
        within,
    },
};

fn in_memory(url: &str, test: impl AsyncFnOnce(&Database) -> Result<()>) {
    let db = Database::builder(url)
        .acquire_timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    let outcome = runtime().block_on(async {
        let lifespan = db.connect().await?;
        create_tables(&db).await?;
        test(&db).await?;
        lifespan.close().await
    });
    outcome.unwrap();
}

/// The file of a database.
async fn file(db: &Database) -> PathBuf {
    let file = estoult::sql("select file from pragma_database_list where name = 'main'");
    let (file,): (String,) = file.one(db).await.unwrap();
    PathBuf::from(file)
}

#[test]
fn readers_and_a_writer_do_not_wait_for_each_other() {
    in_memory("sqlite::memory:", async |db| {
        put(db, "before").await?;
        let reader = db.transaction_with().read_only().begin().await?;
        assert_eq!(names(&reader).await?, ["before"]);
        within("a write beside a reader", put(db, "beside")).await?;
        // The reader sees what was there when it began.
        assert_eq!(names(&reader).await?, ["before"]);
        reader.rollback().await?;
        let outcome = db.transaction(async |tx| {
            put(tx, "within").await?;
            // Another connection, in the middle of the transaction.
            assert_eq!(Author::query().count(db).await?, 2);
            Ok(())
        });
        within("a read beside a writer", outcome).await?;
        assert_eq!(Author::query().count(db).await?, 3);
        Ok(())
    });
}

#[test]
fn its_folder_is_private_and_ends_with_the_database() {
    let mut left = PathBuf::new();
    in_memory("sqlite::memory:", async |db| {
        left = file(db).await.parent().unwrap().to_owned();
        assert!(left.join("memory.db").exists());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;

            let mode = fs::metadata(&left).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        Ok(())
    });
    assert!(!left.exists(), "{}", left.display());
}

#[test]
fn a_private_one_has_a_single_connection() {
    in_memory("sqlite::memory:?mode=memory", async |db| {
        assert!(!file(db).await.exists());
        for number in 0..20 {
            put(db, &number.to_string()).await?;
        }
        let pinned = db.pin().await?;
        assert_eq!(Author::query().count(&pinned).await?, 20);
        let error = put(db, "second").await.unwrap_err();
        assert!(error.message().contains("1 of 1 are in use"), "{error}");
        drop(pinned);
        assert_eq!(Author::query().count(db).await?, 20);
        Ok(())
    });
}
