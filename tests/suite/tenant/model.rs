//! Whatever several tenants do, each sees what it would see alone.

use estoult::{Database, Result, Schema, Tenanted, sql};
use proptest::{collection::vec, prelude::any, strategy::Strategy};

use super::{Project, Task, create_tables, names, project, task};
use crate::support::{for_any, on_every_backend};

const TENANTS: [i64; 3] = [1, 2, 3];

/// What a tenant tries; a place is that of any row of any tenant.
#[derive(Debug, Clone)]
enum Step {
    Insert,
    Rename(usize),
    Delete(usize),
    RenameAll,
    DeleteAll,
    AddTask(usize),
}

fn step() -> impl Strategy<Value = Step> {
    (0..12_u8, any::<u8>()).prop_map(|(kind, place)| match (kind, usize::from(place)) {
        (0..=4, _) => Step::Insert,
        (5..=6, place) => Step::Rename(place),
        (7, place) => Step::Delete(place),
        (8, _) => Step::RenameAll,
        (9, _) => Step::DeleteAll,
        (_, place) => Step::AddTask(place),
    })
}

/// The rows as they should be, in the order of their keys, and how many tasks each of them has from its own tenant.
type Model = Vec<(Project, usize)>;

/// Who tries a step, and what they write.
struct Actor {
    tenant: i64,
    on: Tenanted<Database, i64>,
    name: String,
}

/// Tries a step on the database and on the model.
async fn take(db: &Database, model: &mut Model, actor: &Actor, step: &Step) -> Result<()> {
    let (on, name) = (&actor.on, &actor.name);
    match step {
        Step::Insert => model.push((project(on, name).await?, 0)),
        Step::RenameAll => {
            let all = Project::query().set(Project::name, name.clone());
            all.update_all(on).await?;
            let rows = model.iter_mut().map(|(row, _)| row);
            rows.filter(|row| row.customer_id == actor.tenant)
                .for_each(|row| row.name.clone_from(name));
        }
        Step::DeleteAll => {
            let rows = model.iter().map(|(row, _)| row);
            let own = rows.filter(|row| row.customer_id == actor.tenant);
            clear(db, own.map(|row| row.id).collect()).await?;
            Project::query().delete_all(on).await?;
            model.retain(|(row, _)| row.customer_id != actor.tenant);
        }
        Step::Rename(place) | Step::Delete(place) | Step::AddTask(place) if !model.is_empty() => {
            let place = place % model.len();
            take_row(db, model, actor, (step, place)).await?;
        }
        _ => {}
    }
    Ok(())
}

/// Tries a step on one row, which has to fail when it is another tenant's.
async fn take_row(
    db: &Database,
    model: &mut Model,
    actor: &Actor,
    (step, place): (&Step, usize),
) -> Result<()> {
    let row = model[place].0.clone();
    let is_own = row.customer_id == actor.tenant;
    match step {
        Step::Rename(_) => {
            let renamed = row.change().put(Project::name, actor.name.clone());
            assert_eq!(renamed.update(&actor.on).await.is_ok(), is_own);
            if is_own {
                model[place].0.name.clone_from(&actor.name);
            }
        }
        Step::Delete(_) => {
            if is_own {
                clear(db, vec![row.id]).await?;
            }
            assert_eq!(row.delete(&actor.on).await.is_ok(), is_own);
            if is_own {
                model.remove(place);
            }
        }
        _ => {
            task(&actor.on, &row, &actor.name).await?;
            model[place].1 += usize::from(is_own);
        }
    }
    Ok(())
}

/// Deletes the tasks of these projects, whosever they are.
async fn clear(db: &Database, projects: Vec<i64>) -> Result<()> {
    for tenant in TENANTS {
        let tasks = Task::query().filter(Task::project_id.in_list(projects.clone()));
        tasks.delete_all(&db.for_tenant(tenant)).await?;
    }
    Ok(())
}

/// Each tenant sees its rows of the model and no other's, whatever way it looks.
async fn compare(db: &Database, model: &Model) -> Result<()> {
    for tenant in TENANTS {
        let on = db.for_tenant(tenant);
        let own = model.iter().filter(|(row, _)| row.customer_id == tenant);
        let own: Vec<_> = own.cloned().collect();
        let expected: Vec<_> = own.iter().map(|(row, _)| row.name.clone()).collect();
        assert_eq!(names(&on).await?, expected);
        assert_eq!(
            Project::query().count(&on).await?,
            u64::try_from(own.len()).unwrap()
        );
        let loaded = Project::query()
            .order_by(Project::id.asc())
            .preload(Project::tasks);
        let loaded = loaded.all(&on).await?.into_iter();
        let loaded: Vec<_> = loaded.map(|(row, tasks)| (row, tasks.len())).collect();
        assert_eq!(loaded, own);
        let busy = Project::query().filter(Project::tasks.exists());
        let expected = own.iter().filter(|(_, tasks)| *tasks > 0).count();
        assert_eq!(busy.count(&on).await?, u64::try_from(expected).unwrap());
        for (row, _) in model {
            let found = Project::get(&on, row.id).await?;
            assert_eq!(found.is_some(), row.customer_id == tenant);
        }
    }
    let (rows,): (i64,) = sql("select count(*) from projects").one(db).await?;
    assert_eq!(usize::try_from(rows), Ok(model.len()));
    Ok(())
}

on_every_backend!(each_tenant_sees_what_it_would_see_alone, async |db| {
    create_tables(db).await?;
    let steps = vec((0..TENANTS.len(), step()), 1..14);
    for_any(&steps, async |steps| {
        sql("delete from tasks").execute(db).await?;
        sql("delete from projects").execute(db).await?;
        let mut model = Model::new();
        for (number, (tenant, step)) in steps.iter().enumerate() {
            let tenant = TENANTS[*tenant];
            let actor = Actor {
                tenant,
                on: db.for_tenant(tenant),
                name: format!("{tenant}-{number}"),
            };
            take(db, &mut model, &actor, step).await?;
        }
        compare(db, &model).await
    });
    Ok(())
});
