//! Two runs at once, and one that another waits for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use apocryphan::rider::{ErrorKind, Event, Migration, MigrationSet, Rider, step};
use estoult::{Database, Dialect, Transaction};
use tokio::sync::watch;

use super::{CONTACTS, NAMES, applied, count, migrate, rider};
use crate::support::on_every_backend;

on_every_backend!(
    two_runs_at_once_apply_each_migration_once,
    async |db: &Database| {
        // A run that waited for the lock inside the database would block this index, and be blocked by it.
        let index = match db.dialect() {
            Dialect::Postgres => {
                "-- transactional: false\ncreate index concurrently i on contacts (id);"
            }
            _ => "-- transactional: false\ncreate index i on contacts (id);",
        };
        let texts = [
            ("1-contacts", CONTACTS),
            ("2-names", NAMES),
            ("3-index", index),
        ];
        let run = || {
            tokio::spawn({
                let rider = rider(db, &texts);
                async move { migrate(&rider).await }
            })
        };
        let (first, second) = tokio::join!(run(), run());
        let (first, second) = (first.unwrap().unwrap(), second.unwrap().unwrap());
        assert_eq!(first.applied.len() + second.applied.len(), 3);
        assert_eq!(count(db, "select count(*) from _rider_logs").await, 3);
        assert_eq!(count(db, "select count(*) from contacts").await, 1);
        Ok(())
    }
);

on_every_backend!(
    a_run_that_waits_in_vain_says_for_whom,
    async |db: &Database| {
        let (entered, entry) = watch::channel(false);
        let (leave, left) = watch::channel(false);
        let slow = Migration::rust("1-slow", move || {
            let (entered, left) = (entered.clone(), left.clone());
            vec![step(move |_: &Transaction| {
                let (entered, mut left) = (entered.clone(), left.clone());
                async move {
                    entered.send_replace(true);
                    let left = left.wait_for(|left| *left).await;
                    left.map(|_| ())
                        .map_err(|error| estoult::Error::custom(error.to_string()))
                }
            })]
        });
        let slow = Rider::new(db.clone()).migrations(MigrationSet::new([slow]));
        let waits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&waits);
        let hasty = rider(db, &[("1-slow", CONTACTS)])
            .lock_wait(Duration::from_millis(200))
            .observe(move |event| {
                if let Event::Waiting(_) = event {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            });
        let other = async {
            entry.clone().wait_for(|entered| *entered).await.unwrap();
            let error = migrate(&hasty).await.unwrap_err();
            leave.send_replace(true);
            error
        };
        let (held, error) = tokio::join!(migrate(&slow), other);
        assert_eq!(held.unwrap().applied.len(), 1);
        assert!(matches!(error.kind(), ErrorKind::Lock), "{error}");
        assert!(
            error.to_string().contains("still holds the lock"),
            "{error}"
        );
        assert_eq!(waits.load(Ordering::Relaxed), 1);
        Ok(())
    }
);

on_every_backend!(
    a_run_that_is_dropped_leaves_no_lock,
    async |db: &Database| {
        let slow = Migration::rust("1-slow", || {
            vec![step(|_: &Transaction| std::future::pending())]
        });
        let slow = Rider::new(db.clone()).migrations(MigrationSet::new([slow]));
        let dropped = tokio::time::timeout(Duration::from_millis(300), migrate(&slow)).await;
        assert!(dropped.is_err());
        // The session that held the lock could take it again, so it must not be the next one's.
        let _held = db.pin().await?;
        let next = rider(db, &[("1-contacts", CONTACTS)]).lock_wait(Duration::from_secs(5));
        assert_eq!(applied(&migrate(&next).await.unwrap()), ["1-contacts"]);
        Ok(())
    }
);
