//! Transactions and savepoints: how they begin, and each of the ways in which they end.

use apocryphan::rider::{Migration, MigrationSet, Rider};
use estoult::{Error, Result, sql};

use super::{Events, observed};
use crate::support::on_every_backend;

/// The operations since it was asked last, without the text that begins a transaction, which differs.
fn operations(events: &Events) -> Vec<String> {
    let operations = events.operations().into_iter();
    operations
        .map(|line| match line.split_once(": ") {
            Some(("Begin done", _)) => "Begin done".to_owned(),
            _ => line,
        })
        .collect()
}

on_every_backend!(a_transaction_tells_begin_and_commit, async |db| {
    let (db, events) = observed(db);
    let line = line!() + 2;
    let outcome: Result<()> = db
        .transaction(async |tx| {
            sql("select 1").execute(tx).await?;
            Ok(())
        })
        .await;
    outcome?;
    let places: Vec<_> = events
        .0
        .lock()
        .unwrap()
        .iter()
        .map(|seen| seen.place.clone())
        .collect();
    assert_eq!(
        operations(&events),
        [
            "Begin done",
            "Statement done: select 1",
            "Commit done: commit"
        ]
    );
    // The statement has a place of its own; begin and commit have that of the transaction.
    let lines: Vec<_> = places.into_iter().map(|place| place.unwrap().1).collect();
    assert_eq!(lines, [line, line, line + 1, line]);
    Ok(())
});

on_every_backend!(a_transaction_tells_its_rollback, async |db| {
    let (db, events) = observed(db);
    let failed: Result<()> = db.transaction(async |_| Err(Error::custom("no"))).await;
    failed.unwrap_err();
    assert_eq!(
        operations(&events),
        ["Begin done", "Rollback done: rollback"]
    );
    let tx = db.begin().await?;
    sql("select 1").execute(&tx).await?;
    drop(tx);
    assert_eq!(
        operations(&events),
        [
            "Begin done",
            "Statement done: select 1",
            "Rollback dropped: rollback"
        ]
    );
    Ok(())
});

on_every_backend!(savepoints_tell_how_they_begin_and_end, async |db| {
    let (db, events) = observed(db);
    let tx = db.begin().await?;
    tx.transaction(async |nested| sql("select 1").execute(nested).await)
        .await?;
    let failed: Result<()> = tx.transaction(async |_| Err(Error::custom("no"))).await;
    failed.unwrap_err();
    drop(tx.savepoint().await?);
    tx.commit().await?;
    let back = "Savepoint done: rollback to savepoint estoult_2; release savepoint estoult_2";
    assert_eq!(
        operations(&events),
        [
            "Begin done",
            "Savepoint done: savepoint estoult_2",
            "Statement done: select 1",
            "Savepoint done: release savepoint estoult_2",
            "Savepoint done: savepoint estoult_2",
            back,
            "Savepoint done: savepoint estoult_2",
            back,
            "Commit done: commit",
        ]
    );
    Ok(())
});

on_every_backend!(migrations_are_told, async |db| {
    let (db, events) = observed(db);
    let text =
        "-- step\ncreate table contacts (id int not null);\n-- rollback\ndrop table contacts;\n";
    let migrations: MigrationSet = [Migration::sql("1-contacts", text)].into_iter().collect();
    let rider = Rider::new(db.clone()).migrations(migrations);
    rider
        .migrate(&apocryphan::rider::MigrateOptions::default())
        .await
        .unwrap();
    let operations = operations(&events);
    assert!(
        operations
            .iter()
            .any(|line| line.contains("create table contacts")),
        "{operations:#?}"
    );
    Ok(())
});
