//! Nested transactions: savepoints.

use estoult::{Error, ErrorKind, Result};

use super::{names, put};
use crate::support::{on_every_backend, schemas::create_tables};

on_every_backend!(a_nested_commit_is_part_of_the_outer_one, async |db| {
    create_tables(db).await?;
    let tx = db.begin().await?;
    let nested = tx.savepoint().await?;
    put(&nested, "Ada").await?;
    nested.commit().await?;
    assert_eq!(names(&tx).await?, ["Ada"]);
    tx.rollback().await?;
    assert!(names(db).await?.is_empty());
    Ok(())
});

on_every_backend!(a_nested_rollback_undoes_the_inner_work_alone, async |db| {
    create_tables(db).await?;
    db.transaction(async |tx| {
        put(tx, "Ada").await?;
        let outcome: Result<()> = tx
            .transaction(async |nested| {
                put(nested, "Kurt").await?;
                Err(Error::custom("no"))
            })
            .await;
        assert_eq!(outcome.unwrap_err().message(), "no");
        put(tx, "Mary").await
    })
    .await?;
    assert_eq!(names(db).await?, ["Ada", "Mary"]);
    Ok(())
});

on_every_backend!(
    a_statement_that_fails_nested_spares_the_outer_work,
    async |db| {
        create_tables(db).await?;
        db.transaction(async |tx| {
            put(tx, "Ada").await?;
            let twice = tx.transaction(async |nested| put(nested, "Ada").await);
            let error = twice.await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Constraint(_)), "{error}");
            put(tx, "Kurt").await
        })
        .await?;
        assert_eq!(names(db).await?, ["Ada", "Kurt"]);
        Ok(())
    }
);

on_every_backend!(a_dropped_savepoint_is_rolled_back, async |db| {
    create_tables(db).await?;
    let tx = db.begin().await?;
    put(&tx, "Ada").await?;
    let nested = tx.savepoint().await?;
    put(&nested, "Kurt").await?;
    drop(nested);
    put(&tx, "Mary").await?;
    tx.commit().await?;
    assert_eq!(names(db).await?, ["Ada", "Mary"]);
    Ok(())
});

on_every_backend!(
    a_savepoint_dropped_before_the_commit_is_rolled_back,
    async |db| {
        create_tables(db).await?;
        let tx = db.begin().await?;
        put(&tx, "Ada").await?;
        let nested = tx.savepoint().await?;
        put(&nested, "Kurt").await?;
        drop(nested);
        tx.commit().await?;
        assert_eq!(names(db).await?, ["Ada"]);
        Ok(())
    }
);

on_every_backend!(
    an_outer_savepoint_takes_the_inner_ones_with_it,
    async |db| {
        create_tables(db).await?;
        let tx = db.begin().await?;
        let middle = tx.savepoint().await?;
        put(&middle, "Ada").await?;
        let inner = middle.savepoint().await?;
        put(&inner, "Kurt").await?;
        drop(middle);
        let error = put(&inner, "Mary").await.unwrap_err();
        assert!(error.message().contains("has ended"), "{error}");
        drop(inner);
        put(&tx, "Zora").await?;
        tx.commit().await?;
        assert_eq!(names(db).await?, ["Zora"]);
        Ok(())
    }
);

on_every_backend!(
    the_outer_one_is_refused_while_the_inner_one_is_open,
    async |db| {
        create_tables(db).await?;
        let tx = db.begin().await?;
        let nested = tx.savepoint().await?;
        let error = put(&tx, "Ada").await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Configuration), "{error}");
        insta::assert_snapshot!(
            error.message(),
            @"use a transaction: a nested transaction of it is still open; use that one, or end it first"
        );
        tx.savepoint().await.unwrap_err();
        put(&nested, "Ada").await?;
        nested.commit().await?;
        tx.commit().await?;
        assert_eq!(names(db).await?, ["Ada"]);
        Ok(())
    }
);

on_every_backend!(
    the_outer_one_does_not_commit_an_open_inner_one,
    async |db| {
        create_tables(db).await?;
        let tx = db.begin().await?;
        let nested = tx.savepoint().await?;
        put(&nested, "Ada").await?;
        let error = tx.commit().await.unwrap_err();
        assert!(error.message().contains("still open"), "{error}");
        drop(nested);
        assert!(names(db).await?.is_empty());
        Ok(())
    }
);

on_every_backend!(savepoints_nest_deeply, async |db| {
    create_tables(db).await?;
    let mut open = vec![db.begin().await?];
    for level in 0..20 {
        let last = open.last().unwrap();
        put(last, &format!("{level:02}")).await?;
        open.push(last.savepoint().await?);
    }
    // Every other level is given up, and with it what is nested in it.
    for level in (0..=20).rev() {
        let transaction = open.pop().unwrap();
        if level == 10 {
            transaction.rollback().await?;
        } else {
            transaction.commit().await?;
        }
    }
    assert_eq!(names(db).await?.len(), 10);
    Ok(())
});

on_every_backend!(
    a_savepoint_that_could_not_begin_leaves_the_outer_one_usable,
    async |db| {
        create_tables(db).await?;
        let tx = db.begin().await?;
        put(&tx, "Ada").await?;
        put(&tx, "Ada").await.unwrap_err();
        // On PostgreSQL the transaction takes no statement any more, a savepoint neither.
        let begun = tx.savepoint().await;
        assert_eq!(begun.is_err(), db.dialect() == estoult::Dialect::Postgres);
        drop(begun);
        tx.rollback().await?;
        assert_eq!(db.status().in_use, 0);
        assert!(names(db).await?.is_empty());
        Ok(())
    }
);

on_every_backend!(
    a_stale_handle_does_not_act_on_a_savepoint_of_its_depth,
    async |db| {
        create_tables(db).await?;
        let tx = db.begin().await?;
        let stale = tx.savepoint().await?;
        let stale_inner = stale.savepoint().await?;
        drop(stale);
        let nested = tx.savepoint().await?;
        let inner = nested.savepoint().await?;
        put(&stale_inner, "Ada").await.unwrap_err();
        drop(stale_inner);
        put(&inner, "Kurt").await?;
        inner.commit().await?;
        nested.commit().await?;
        tx.commit().await?;
        assert_eq!(names(db).await?, ["Kurt"]);
        Ok(())
    }
);
