//! What a tenant writes is its own, and nothing of another's is touched.

use estoult::{Conflict, ErrorKind, Schema, insert_all, new};

use super::{Project, Task, create_tables, names, project, two};
use crate::support::{create_table, on_every_backend, wrap};

on_every_backend!(every_insert_sets_the_tenant, async |db| {
    create_tables(db).await?;
    let seven = db.for_tenant(7);
    let row = |name: &str| {
        new!(Project {
            name: name.to_owned(),
            colour_id: None
        })
    };
    assert_eq!(row("a").insert(&seven).await?.customer_id, 7);
    assert_eq!(row("b").changeset().insert(&seven).await?.customer_id, 7);
    let cast = Project::changeset().put(Project::name, "c".to_owned());
    assert_eq!(cast.insert(&seven).await?.customer_id, 7);
    assert_eq!(insert_all(&seven, [row("d"), row("e")]).await?, 2);
    let same = row("f").put(Project::customer_id, 7);
    assert_eq!(same.insert(&seven).await?.customer_id, 7);
    assert_eq!(names(&seven).await?, ["a", "b", "c", "d", "e", "f"]);
    assert_eq!(names(&db.for_tenant(8)).await?, [""; 0]);
    Ok(())
});

on_every_backend!(a_row_is_not_inserted_for_another_tenant, async |db| {
    create_tables(db).await?;
    let seven = db.for_tenant(7);
    let row = || {
        let row = new!(Project {
            name: "house".to_owned(),
            colour_id: None
        });
        row.put(Project::customer_id, 8)
    };
    let refused = [
        row().insert(&seven).await.map(drop),
        row().changeset().insert(&seven).await.map(drop),
        insert_all(&seven, [row()]).await.map(drop),
    ];
    for refused in refused {
        let error = refused.unwrap_err();
        assert_eq!(error.fields()[0].field(), "customer_id");
        assert_eq!(error.fields()[0].code(), "tenant");
        insta::allow_duplicates! {
            insta::assert_snapshot!(
                error.message(),
                @"invalid changes: customer_id says whose row it is, and can't be another tenant's than the handle's"
            );
        }
    }
    assert_eq!(names(&db.for_tenant(8)).await?, [""; 0]);
    Ok(())
});

on_every_backend!(rows_of_another_tenant_are_not_changed, async |db| {
    let [(seven, house, _), (eight, boat, _)] = two(db).await?;
    let renamed = boat.change().put(Project::name, "mine".to_owned());
    let error = renamed.update(&seven).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Conflict(Conflict::Stale));
    insta::allow_duplicates! {
        insta::assert_snapshot!(wrap(error.message()), @"
        update a row of `projects`: no row of the tenant has its key; it was deleted
        since it was read, or is another tenant's
        ");
    }
    let all = Project::query().set(Project::name, "all".to_owned());
    assert_eq!(all.update_all(&seven).await?, 1);
    let one = Project::query().filter(Project::id.eq(boat.id));
    let one = one.set(Project::name, "one".to_owned());
    assert_eq!(one.update_all(&seven).await?, 0);
    assert_eq!(names(&seven).await?, ["all"]);
    assert_eq!(names(&eight).await?, ["boat"]);
    let renamed = house.change().put(Project::name, "home".to_owned());
    assert_eq!(renamed.update(&seven).await?.name, "home");
    Ok(())
});

on_every_backend!(rows_of_another_tenant_are_not_deleted, async |db| {
    let [(seven, house, paint), (eight, boat, _)] = two(db).await?;
    let error = boat.delete(&seven).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Conflict(Conflict::Stale));
    let by_key = Project::query().filter(Project::id.eq(boat.id));
    assert_eq!(by_key.delete_all(&seven).await?, 0);
    assert_eq!(Task::query().delete_all(&eight).await?, 1);
    assert_eq!(Task::query().all(&seven).await?, [paint]);
    Task::query().delete_all(&seven).await?;
    house.delete(&seven).await?;
    assert_eq!(names(&seven).await?, [""; 0]);
    assert_eq!(names(&eight).await?, ["boat"]);
    Ok(())
});

on_every_backend!(a_row_is_not_moved_to_another_tenant, async |db| {
    let [(seven, house, _), (eight, ..)] = two(db).await?;
    let moved = house.change().put(Project::customer_id, 8);
    let error = moved.update(&seven).await.unwrap_err();
    assert_eq!(error.fields()[0].code(), "tenant");
    let set = Project::query().set(Project::customer_id, 8);
    assert!(set.update_all(&seven).await.unwrap_err().is_invalid());
    let set = Project::query().set_to(Project::customer_id, Project::id);
    assert!(set.update_all(&seven).await.unwrap_err().is_invalid());
    // What stays is no move.
    let same = house.change().put(Project::customer_id, 7);
    let same = same.put(Project::name, "home".to_owned());
    assert_eq!(same.update(&seven).await?.name, "home");
    assert_eq!(
        (names(&seven).await?.len(), names(&eight).await?.len()),
        (1, 1)
    );
    Ok(())
});

/// One row a tenant: the tenant is the key.
#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "settings")]
struct Settings {
    #[field(key, tenant)]
    customer: String,
    theme: String,
}

on_every_backend!(a_tenant_may_be_the_key_and_a_text, async |db| {
    create_table::<Settings>(db).await?;
    let (acme, other) = (
        db.for_tenant("acme".to_owned()),
        db.for_tenant("it's".to_owned()),
    );
    for tenant in [&acme, &other] {
        let row = new!(Settings {
            theme: "dark".to_owned()
        });
        row.insert(tenant).await?;
    }
    let settings = Settings::get(&acme, "acme".to_owned()).await?.unwrap();
    let light = settings.change().put(Settings::theme, "light".to_owned());
    assert_eq!(light.update(&acme).await?.theme, "light");
    assert_eq!(Settings::query().one(&other).await?.theme, "dark");
    assert_eq!(Settings::get(&other, "acme".to_owned()).await?, None);
    settings.delete(&acme).await?;
    assert_eq!(Settings::query().count(&other).await?, 1);
    Ok(())
});

/// Numbered by each tenant on its own.
#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "invoices")]
struct Invoice {
    #[field(key, tenant)]
    customer_id: i64,
    #[field(key)]
    number: i64,
    cents: i64,
}

on_every_backend!(a_tenant_may_be_a_part_of_the_key, async |db| {
    create_table::<Invoice>(db).await?;
    for tenant in [7, 8] {
        let row = new!(Invoice {
            number: 1,
            cents: tenant * 100
        });
        row.insert(&db.for_tenant(tenant)).await?;
    }
    let seven = db.for_tenant(7);
    assert_eq!(Invoice::get(&seven, (8, 1)).await?, None);
    let invoice = Invoice::get(&seven, (7, 1)).await?.unwrap();
    assert_eq!(invoice.cents, 700);
    invoice
        .change()
        .put(Invoice::cents, 1)
        .update(&seven)
        .await?;
    invoice.delete(&seven).await?;
    assert_eq!(Invoice::query().one(&db.for_tenant(8)).await?.cents, 800);
    Ok(())
});

on_every_backend!(many_rows_are_inserted_for_their_tenant, async |db| {
    create_tables(db).await?;
    let seven = db.for_tenant(7);
    let house = project(&seven, "house").await?;
    let rows = (0..2500).map(|number| {
        new!(Task {
            project_id: house.id,
            title: format!("step {number}")
        })
    });
    assert_eq!(insert_all(&seven, rows).await?, 2500);
    assert_eq!(Task::query().count(&seven).await?, 2500);
    assert_eq!(Task::query().count(&db.for_tenant(8)).await?, 0);
    Ok(())
});
