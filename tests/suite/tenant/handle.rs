//! What can be bound to a tenant: registries, databases, transactions, connections, and what is only read.

use estoult::{Database, Error, Reads, Registry, Result, Schema, Writes, new, schema::Tenant};

use super::{Colour, Project, create_tables, names, project, two};
use crate::support::{create_table, on_every_backend, on_every_fresh, runtime};

on_every_backend!(a_transaction_keeps_the_tenant, async |db| {
    let [(seven, ..), (eight, ..)] = two(db).await?;
    let inside = seven
        .transaction(async |tx| {
            project(tx, "barn").await?;
            let nested: Result<()> = tx
                .unbound()
                .transaction(async |tx| {
                    project(&tx.for_tenant(7), "shed").await?;
                    Err(Error::custom("no"))
                })
                .await;
            nested.unwrap_err();
            tx.transaction(async |tx| project(tx, "attic").await)
                .await?;
            names(tx).await
        })
        .await?;
    assert_eq!(inside, ["house", "barn", "attic"]);
    let failed: Result<()> = eight
        .transaction(async |tx| {
            Project::query().delete_all(tx).await?;
            Err(Error::custom("no"))
        })
        .await;
    failed.unwrap_err();
    assert_eq!(names(&eight).await?, ["boat"]);
    assert_eq!(names(&seven).await?, inside);
    Ok(())
});

on_every_backend!(work_of_a_tenant_is_spawned, async |db| {
    let [(seven, ..), _] = two(db).await?;
    let task = tokio::spawn(async move {
        let name = "barn".to_owned();
        seven
            .transaction(async |tx| project(tx, &name).await)
            .await?;
        names(&seven).await
    });
    assert_eq!(task.await.unwrap()?, ["house", "barn"]);
    Ok(())
});

on_every_backend!(transactions_and_connections_are_bound, async |db| {
    let [(_, house, _), _] = two(db).await?;
    let tx = db.begin().await?;
    project(&tx.for_tenant(8), "raft").await?;
    assert_eq!(names(&tx.for_tenant(7)).await?, ["house"]);
    assert_eq!(names(&tx.for_tenant(8)).await?, ["boat", "raft"]);
    tx.rollback().await?;
    let pinned = db.pin().await?;
    assert_eq!(Project::get(&pinned.for_tenant(8), house.id).await?, None);
    assert_eq!(names(&pinned.for_tenant(7)).await?, ["house"]);
    Ok(())
});

on_every_fresh!(a_registry_and_what_is_only_read_are_bound, |fresh| {
    runtime().block_on(async {
        let database = fresh.database();
        let lives = database.connect().await?;
        let [(_, house, _), _] = two(&database).await?;
        let replica = Database::builder(&fresh.url).read_only().build()?;
        let registry = Registry::builder(database.clone())
            .extra("replica", replica.clone())
            .build()?;
        let lifespan = registry.connect().await?;
        let seven = registry.for_tenant(7);
        project(&seven, "barn").await?;
        let moved = seven.transaction(async |tx| project(tx, "shed").await);
        assert_eq!(moved.await?.customer_id, 7);
        assert_eq!(
            names(&replica.for_tenant(7)).await?,
            ["house", "barn", "shed"]
        );
        assert_eq!(Project::get(&replica.for_tenant(8), house.id).await?, None);
        let tx = replica.begin().await?;
        assert_eq!(names(&tx.for_tenant(8)).await?, ["boat"]);
        tx.end().await?;
        let pinned = replica.pin().await?;
        assert_eq!(names(&pinned.for_tenant(8)).await?, ["boat"]);
        drop(pinned);
        let on_replica = Project::query().using("replica");
        assert_eq!(on_replica.count(&seven).await?, 3);
        lifespan.close().await?;
        lives.close().await
    })
});

on_every_fresh!(a_tenant_of_a_schema_of_the_database_is_bound, |fresh| {
    runtime().block_on(async {
        let database = fresh.database();
        let lives = database.connect().await?;
        create_tables(&database).await?;
        // On MySQL a schema is a database of the server, so its name begins with the test's own.
        let own = fresh.url.split('?').next().unwrap_or_default();
        let own = own.rsplit('/').next().unwrap_or_default();
        let name = format!("{own}_north");
        database.create_schema(&name).await?;
        let north = database.using_schema(&name)?;
        create_tables(&north).await?;
        project(&north.for_tenant(7), "igloo").await?;
        project(&database.for_tenant(7), "house").await?;
        assert_eq!(names(&north.for_tenant(7)).await?, ["igloo"]);
        assert_eq!(names(&north.for_tenant(8)).await?, [""; 0]);
        assert_eq!(names(&database.for_tenant(7)).await?, ["house"]);
        database.drop_schema_and_tables(&name).await?;
        lives.close().await
    })
});

/// What a program may write that serves any handle.
async fn moved_in(on: &(impl Writes<Tenant<i64>> + Writes)) -> Result<(u64, u64)> {
    project(on, "hut").await?;
    let colour = new!(Colour {
        name: "blue".to_owned()
    });
    colour.insert(on).await?;
    Ok((
        Project::query().count(on).await?,
        Colour::query().count(on).await?,
    ))
}

on_every_backend!(a_function_serves_every_handle_of_a_tenant, async |db| {
    create_tables(db).await?;
    let seven = db.for_tenant(7);
    assert_eq!(moved_in(&seven).await?, (1, 1));
    assert_eq!(
        seven.transaction(async |tx| moved_in(tx).await).await?,
        (2, 2)
    );
    let tx = db.begin().await?;
    assert_eq!(moved_in(&tx.for_tenant(8)).await?, (1, 3));
    let any: &dyn Reads<Tenant<i64>> = &seven;
    assert_eq!(Project::query().count(any).await?, 2);
    Ok(())
});

#[test]
fn a_handle_does_not_show_its_tenant() {
    let database = Database::builder("sqlite::memory:").build().unwrap();
    let shown = format!("{:?}", database.for_tenant("secret".to_owned()));
    assert!(
        shown.contains("sqlite::memory:") && !shown.contains("secret"),
        "{shown}"
    );
}

#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "plans", has_many(remarks: Remark))]
struct Plan {
    id: i64,
    #[field(tenant)]
    customer_id: i64,
}

/// In another database.
#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "remarks", database = "archive")]
struct Remark {
    id: i64,
    plan_id: i64,
    #[field(tenant)]
    customer_id: i64,
}

on_every_fresh!(a_preload_in_another_database_keeps_the_tenant, |fresh| {
    runtime().block_on(async {
        let registry = Registry::builder(fresh.database())
            .extra("archive", "sqlite::memory:")
            .build()?;
        let lifespan = registry.connect().await?;
        create_table::<Plan>(registry.default_database()).await?;
        create_table::<Remark>(&registry.using("archive")?).await?;
        let (seven, eight) = (registry.for_tenant(7), registry.for_tenant(8));
        let plan = new!(Plan {}).insert(&seven).await?;
        for tenant in [&seven, &eight] {
            new!(Remark { plan_id: plan.id }).insert(tenant).await?;
        }
        let loaded = Plan::query().preload(Plan::remarks).one(&seven).await?;
        let customers: Vec<_> = loaded.1.iter().map(|row| row.customer_id).collect();
        assert_eq!(customers, [7]);
        lifespan.close().await
    })
});
