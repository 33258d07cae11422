//! Connections that are lost: before, in and after a COMMIT, between statements, and in silence.

use std::time::Duration;

use estoult::{Database, ErrorKind, Result, sql};

use super::{on_one_connection, process};
use crate::support::{
    Backend, Fresh, Listing, eventually,
    relay::{Relay, Traffic},
    run_fresh, runtime,
};

const LIMIT: Duration = Duration::from_millis(500);

/// Runs a test on a database behind a relay, with another handle that goes past it.
fn behind_relay(test: impl AsyncFnOnce(&Database, &Relay, &Database) -> Result<()>) {
    run_fresh(Backend::Postgres, |fresh: &Fresh| {
        let relay = Relay::new(&fresh.url, Duration::ZERO);
        let db = Database::builder(relay.url())
            .max_connections(1)
            .statement_timeout(LIMIT)
            .acquire_timeout(Duration::from_secs(20))
            .build()?;
        let witness = fresh.database();
        runtime().block_on(async {
            let lifespans = (db.connect().await?, witness.connect().await?);
            sql("create table things (id int)")
                .execute(&witness)
                .await?;
            test(&db, &relay, &witness).await?;
            let _ = lifespans.0.close().await;
            lifespans.1.close().await
        })
    });
}

async fn count(db: &Database) -> Result<i64> {
    let (count,) = sql("select count(*) from things").one(db).await?;
    Ok(count)
}

#[test]
fn a_commit_whose_answer_is_lost_is_unknown() {
    behind_relay(async |db, relay, witness| {
        for traffic in [Traffic::CutAfter(0), Traffic::CutAfter(7), Traffic::Swallow] {
            sql("delete from things").execute(witness).await?;
            let tx = db.begin().await?;
            sql("insert into things values (1)").execute(&tx).await?;
            relay.set(traffic);
            let error = tx.commit().await.unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::CommitUnknown),
                "{error:?}"
            );
            assert!(error.message().contains("not known"), "{error}");
            relay.set(Traffic::Forward);
            // The answer was cut off on its way back, so the row is there; a COMMIT that was swallowed never arrived.
            let kept = i64::from(traffic != Traffic::Swallow);
            assert_eq!(count(witness).await?, kept, "{traffic:?}");
            assert!(count(db).await? >= 0);
        }
        Ok(())
    });
}

#[test]
fn a_transaction_whose_connection_was_lost_before_is_rolled_back() {
    behind_relay(async |db, relay, witness| {
        let tx = db.begin().await?;
        sql("insert into things values (1)").execute(&tx).await?;
        relay.drop_connections();
        let error = sql("insert into things values (2)")
            .execute(&tx)
            .await
            .unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
        let error = tx.commit().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
        assert_eq!((count(witness).await?, count(db).await?), (0, 0));
        Ok(())
    });
}

#[test]
fn a_begin_on_a_connection_that_was_lost_takes_another() {
    behind_relay(async |db, relay, _| {
        for number in 1..=5 {
            relay.drop_connections();
            let tx = db.begin().await?;
            sql("insert into things values (1)").execute(&tx).await?;
            tx.commit().await?;
            assert_eq!(count(db).await?, number);
        }
        Ok(())
    });
}

#[test]
fn a_session_that_the_program_has_set_up_is_not_replaced() {
    behind_relay(async |db, relay, witness| {
        let pinned = db.pin().await?;
        sql("set time zone 'Asia/Tokyo'").execute(&pinned).await?;
        let tx = pinned.begin().await?;
        relay.drop_connections();
        let error = sql("insert into things values (1)")
            .execute(&tx)
            .await
            .unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
        drop(tx);
        assert_eq!((count(witness).await?, count(db).await?), (0, 0));
        Ok(())
    });
}

/// Runs this on a network that has fallen silent.
async fn silenced<T: std::fmt::Debug>(relay: &Relay, work: impl Future<Output = Result<T>>) {
    relay.set(Traffic::Swallow);
    let outcome = tokio::time::timeout(Duration::from_secs(20), work).await;
    relay.set(Traffic::Forward);
    let error = outcome.unwrap().unwrap_err();
    let is_known = matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Connection);
    assert!(is_known, "{error:?}");
}

#[test]
fn a_silent_network_ends_each_operation_in_its_time() {
    behind_relay(async |db, relay, witness| {
        silenced(relay, sql("select 1").rows(db)).await;
        silenced(relay, async {
            let tx = db.begin().await?;
            sql("insert into things values (1)").execute(&tx).await
        })
        .await;
        silenced(relay, async {
            let outcomes = db.pipeline((sql("select 1"), sql("select 2"))).await?;
            outcomes.0.and(outcomes.1)
        })
        .await;
        let tx = db.begin().await?;
        sql("insert into things values (1)").execute(&tx).await?;
        silenced(relay, tx.rollback()).await;
        let limited = db.transaction_with().timeout(Duration::from_secs(60));
        let tx = limited.begin().await?;
        sql("insert into things values (1)").execute(&tx).await?;
        silenced(relay, tx.rollback()).await;
        eventually("the permit is free", async || db.status().in_use == 0).await;
        assert_eq!((count(witness).await?, count(db).await?), (0, 0));
        Ok(())
    });
}

#[test]
fn answers_that_are_cut_anywhere_are_no_success() {
    behind_relay(async |db, relay, witness| {
        let mut acknowledged = Vec::new();
        for id in 0..120 {
            relay.set(Traffic::CutAfter(usize::try_from(id / 2).unwrap()));
            let insert = || sql("insert into things values (:id)").bind("id", id);
            let inserted = if id % 2 == 0 {
                insert().execute(db).await
            } else {
                db.transaction(async |tx| insert().execute(tx).await).await
            };
            match inserted {
                Ok(_) => acknowledged.push(id),
                Err(error) => {
                    let kinds = matches!(
                        error.kind(),
                        ErrorKind::Connection | ErrorKind::CommitUnknown
                    );
                    assert!(kinds, "{error:?}");
                }
            }
            relay.set(Traffic::Forward);
        }
        let there = sql("select id from things order by id");
        let there: Vec<_> = there.all::<(i32,)>(witness).await?;
        let there: Vec<_> = there.into_iter().map(|(id,)| id).collect();
        // No row is there twice, and none is lost.
        assert!(there.is_sorted_by(|a, b| a < b), "{there:?}");
        let is_kept = |id: &i32| there.contains(id);
        assert!(
            acknowledged.iter().all(is_kept),
            "{acknowledged:?}, {there:?}"
        );
        Ok(())
    });
}

#[test]
fn a_server_that_ends_a_session_says_why() {
    on_one_connection("", async |db, fresh| {
        let listing = Listing::of(fresh)?;
        let pinned = db.pin().await?;
        sql("select 1").rows(&pinned).await?;
        listing.kill_all().await?;
        let error = sql("select 1").rows(&pinned).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
        assert_eq!(error.code(), Some("57P01"), "{error:?}");
        drop(pinned);
        sql("select 1").rows(db).await.map(drop)
    });
}

#[test]
fn a_commit_after_the_server_has_ended_the_transaction_is_no_unknown_one() {
    let options = "options=-c%20idle_in_transaction_session_timeout%3D50";
    on_one_connection(options, async |db, fresh| {
        let witness = fresh.database();
        let lifespan = witness.connect().await?;
        sql("create table things (id int)")
            .execute(&witness)
            .await?;
        let server = process(db).await?;
        let tx = db.begin().await?;
        sql("insert into things values (1)").execute(&tx).await?;
        eventually("the server has ended the session", async || {
            let there = sql("select count(*) from pg_stat_activity where pid = :pid");
            let there = there.bind("pid", server).one::<(i64,)>(&witness).await;
            there.unwrap() == (0,)
        })
        .await;
        let error = tx.commit().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
        assert_eq!(error.code(), Some("25P03"), "{error:?}");
        assert_eq!((count(&witness).await?, count(db).await?), (0, 0));
        lifespan.close().await
    });
}
