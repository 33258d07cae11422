//! The write-ahead log stays small without its commits waiting for it.

use std::{fs, time::Duration};

use estoult::{Result, batch, run_sync, sql};
use tracing::subscriber::with_default;

use super::{on_file, path};
use crate::support::{Capture, Fresh, eventually};

fn log_size(fresh: &Fresh) -> u64 {
    let log = format!("{}-wal", path(fresh).display());
    fs::metadata(log).map_or(0, |log| log.len())
}

#[test]
fn many_small_commits_leave_a_small_log() {
    on_file(
        |builder| builder,
        async |db, fresh| {
            batch(
                db,
                "create table counts (id integer primary key, n integer)",
            )
            .await?;
            sql("insert into counts values (1, 0)").execute(db).await?;
            let db = db.clone();
            let writer = tokio::spawn(async move {
                for _ in 0..25_000 {
                    sql("update counts set n = n + 1 where id = 1")
                        .execute(&db)
                        .await?;
                }
                Ok::<_, estoult::Error>(())
            });
            writer.await.unwrap()?;
            // Without checkpoints it would be a hundred megabytes.
            let size = log_size(fresh);
            assert!(size < 64 * 1024 * 1024, "{size} bytes");
            Ok(())
        },
    );
}

#[test]
fn a_reader_that_does_not_end_is_reported() {
    let capture = Capture::default();
    let lines = capture.clone();
    let ran: Result<()> = with_default(capture, || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let fresh = Fresh::new(crate::support::Backend::Sqlite);
        let db = fresh.database();
        runtime.block_on(async {
            let lifespan = db.connect().await?;
            batch(&db, "create table pages (id integer primary key, page blob)").await?;
            let reader = db.transaction_with().read_only().begin().await?;
            sql("select count(*) from pages").rows(&reader).await?;
            for _ in 0..20 {
                let many = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000)
                    insert into pages (page) select zeroblob(3500) from n";
                sql(many).execute(&db).await?;
            }
            eventually("it is reported", async || {
                let _ = sql("insert into pages (page) values (zeroblob(100))").execute(&db).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
                lines.lines().iter().any(|line| line.contains("a reader that does not end"))
            })
            .await;
            reader.rollback().await?;
            lifespan.close().await
        })
    });
    ran.unwrap();
}

#[test]
fn sync_code_pays_for_its_own_checkpoints() {
    let fresh = Fresh::new(crate::support::Backend::Sqlite);
    let registry = estoult::Registry::builder(fresh.database())
        .build()
        .unwrap();
    let outcome = registry.with_async_env(|| {
        run_sync(batch(
            &registry,
            "create table counts (id integer primary key, n integer); insert into counts values (1, 0)",
        ))?;
        for _ in 0..12_000 {
            run_sync(sql("update counts set n = n + 1 where id = 1").execute(&registry))?;
        }
        assert!(log_size(&fresh) < 24 * 1024 * 1024, "{}", log_size(&fresh));
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn a_reader_that_does_not_end_is_reported_in_sync_code() {
    let capture = Capture::default();
    let lines = capture.clone();
    let fresh = Fresh::new(crate::support::Backend::Sqlite);
    let registry = estoult::Registry::builder(fresh.database())
        .build()
        .unwrap();
    let ran: Result<()> = with_default(capture, || {
        registry.with_async_env(|| {
            let db = registry.default_database();
            run_sync(batch(
                db,
                "create table pages (id integer primary key, page blob)",
            ))?;
            let reader = run_sync(db.transaction_with().read_only().begin())?;
            run_sync(sql("select count(*) from pages").rows(&reader))?;
            for _ in 0..20 {
                let many = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000)
                    insert into pages (page) select zeroblob(3500) from n";
                run_sync(sql(many).execute(db))?;
            }
            run_sync(reader.rollback())
        })
    });
    ran.unwrap();
    let lines = lines.lines();
    let is_reported = lines
        .iter()
        .any(|line| line.contains("a reader that does not end"));
    assert!(is_reported, "{lines:?}");
}

/// A runtime that no thread drives any more keeps no other runtime from moving the log.
#[test]
fn a_runtime_that_rests_holds_up_no_checkpoint() {
    let fresh = Fresh::new(crate::support::Backend::Sqlite);
    let db = fresh.database();
    let current_thread = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let resting = current_thread();
    let many = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 3000)
        insert into pages (page) select zeroblob(3500) from n";
    let lifespan = resting.block_on(async {
        let lifespan = db.connect().await?;
        batch(
            &db,
            "create table pages (id integer primary key, page blob)",
        )
        .await?;
        sql(many).execute(&db).await?;
        Ok::<_, estoult::Error>(lifespan)
    });
    let lifespan = lifespan.unwrap();
    let outcome: Result<()> = current_thread().block_on(async {
        for _ in 0..10 {
            sql(many).execute(&db).await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        lifespan.close().await
    });
    outcome.unwrap();
    let size = log_size(&fresh);
    assert!(size < 64 * 1024 * 1024, "{size} bytes");
}
