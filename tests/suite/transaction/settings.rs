//! Isolation and read-only transactions.

use estoult::{Database, Dialect, Error, ErrorKind, Isolation, Result, Schema};

use super::{names, put};
use crate::support::{
    on_every_backend, on_every_fresh, runtime,
    schemas::{Author, create_tables},
};

on_every_backend!(
    a_read_only_transaction_reads_and_refuses_writes,
    async |db| {
        create_tables(db).await?;
        put(db, "Ada").await?;
        let tx = db.transaction_with().read_only().begin().await?;
        assert_eq!(names(&tx).await?, ["Ada"]);
        let error = put(&tx, "Kurt").await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::ReadOnly), "{error:?}");
        let text = error.message().to_ascii_lowercase();
        assert!(
            text.contains("read-only") || text.contains("readonly") || text.contains("read only"),
            "{text}"
        );
        tx.rollback().await?;
        assert_eq!(names(db).await?, ["Ada"]);
        Ok(())
    }
);

on_every_fresh!(
    a_connection_writes_again_after_a_read_only_transaction,
    |fresh| {
        let db = Database::builder(&fresh.url).max_connections(1).build()?;
        runtime().block_on(async {
            let lifespan = db.connect().await?;
            create_tables(&db).await?;
            let read = async |tx: &estoult::Transaction| names(tx).await;
            db.transaction_with().read_only().run(read).await?;
            put(&db, "Ada").await?;
            let failed: Result<()> = db
                .transaction_with()
                .read_only()
                .run(async |_| Err(Error::custom("no")))
                .await;
            failed.unwrap_err();
            put(&db, "Kurt").await?;
            drop(db.transaction_with().read_only().begin().await?);
            put(&db, "Mary").await?;
            assert_eq!(names(&db).await?, ["Ada", "Kurt", "Mary"]);
            lifespan.close().await
        })
    }
);

/// How many authors a transaction sees after another one added a row in the middle of it.
async fn seen_after_a_write_beside(db: &Database, level: Isolation) -> Result<(u64, u64)> {
    let tx = db
        .transaction_with()
        .isolation(level)
        .read_only()
        .begin()
        .await?;
    let before = Author::query().count(&tx).await?;
    put(db, &format!("{level}").replace(' ', "-")).await?;
    let after = Author::query().count(&tx).await?;
    tx.commit().await?;
    Ok((before, after))
}

on_every_backend!(read_committed_sees_what_others_commit, async |db| {
    create_tables(db).await?;
    let (before, after) = seen_after_a_write_beside(db, Isolation::ReadCommitted).await?;
    // SQLite has nothing but serializable transactions.
    let more = u64::from(db.dialect() != Dialect::Sqlite);
    assert_eq!(after, before + more);
    Ok(())
});

on_every_backend!(repeatable_read_sees_one_state, async |db| {
    create_tables(db).await?;
    let (before, after) = seen_after_a_write_beside(db, Isolation::RepeatableRead).await?;
    assert_eq!(after, before);
    Ok(())
});

on_every_fresh!(
    the_isolation_of_one_transaction_does_not_reach_the_next,
    |fresh| {
        let db = Database::builder(&fresh.url).max_connections(1).build()?;
        let beside = fresh.database();
        runtime().block_on(async {
            let lives = (db.connect().await?, beside.connect().await?);
            create_tables(&beside).await?;
            let usual = async |name: &str| -> Result<bool> {
                let tx = db.transaction_with().read_only().begin().await?;
                let before = Author::query().count(&tx).await?;
                put(&beside, name).await?;
                let after = Author::query().count(&tx).await?;
                tx.commit().await?;
                Ok(after > before)
            };
            let first = usual("Ada").await?;
            for level in [Isolation::Serializable, Isolation::ReadCommitted] {
                let settings = db.transaction_with().isolation(level);
                settings.run(async |tx| names(tx).await).await?;
                assert_eq!(usual(&format!("{level}")).await?, first);
            }
            lives.0.close().await?;
            lives.1.close().await
        })
    }
);
