//! Whatever several tenants do, each sees what it would see alone.

use estoult::{Database, Result, Schema, sql};
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

/// Tries a step on the database and on the model; a step on another tenant's row has to fail.
async fn take(
    db: &Database,
    model: &mut Model,
    tenant: i64,
    number: usize,
    step: &Step,
) -> Result<()> {
    let on = db.for_tenant(tenant);
    let name = format!("{tenant}-{number}");
    let place = match step {
        Step::Rename(place) | Step::Delete(place) | Step::AddTask(place) if !model.is_empty() => {
            place % model.len()
        }
        Step::Insert => {
            model.push((project(&on, &name).await?, 0));
            return Ok(());
        }
        Step::RenameAll => {
            Project::query()
                .set(Project::name, name.clone())
                .update_all(&on)
                .await?;
            let own = model
                .iter_mut()
                .filter(|(row, _)| row.customer_id == tenant);
            own.for_each(|(row, _)| row.name.clone_from(&name));
            return Ok(());
        }
        Step::DeleteAll => {
            let own = model.iter().filter(|(row, _)| row.customer_id == tenant);
            clear(db, own.map(|(row, _)| row.id).collect()).await?;
            Project::query().delete_all(&on).await?;
            model.retain(|(row, _)| row.customer_id != tenant);
            return Ok(());
        }
        _ => return Ok(()),
    };
    let row = model[place].0.clone();
    let is_own = row.customer_id == tenant;
    match step {
        Step::Rename(_) => {
            let renamed = row.change().put(Project::name, name.clone());
            assert_eq!(renamed.update(&on).await.is_ok(), is_own);
            if is_own {
                model[place].0.name = name;
            }
        }
        Step::Delete(_) => {
            if is_own {
                clear(db, vec![row.id]).await?;
            }
            assert_eq!(row.delete(&on).await.is_ok(), is_own);
            if is_own {
                model.remove(place);
            }
        }
        _ => {
            task(&on, &row, &name).await?;
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
        assert_eq!(Project::query().count(&on).await?, own.len() as u64);
        let loaded = Project::query()
            .order_by(Project::id.asc())
            .preload(Project::tasks);
        let loaded = loaded.all(&on).await?.into_iter();
        let loaded: Vec<_> = loaded.map(|(row, tasks)| (row, tasks.len())).collect();
        assert_eq!(loaded, own);
        let busy = Project::query().filter(Project::tasks.exists());
        let expected = own.iter().filter(|(_, tasks)| *tasks > 0).count();
        assert_eq!(busy.count(&on).await?, expected as u64);
        for (row, _) in model {
            let found = Project::get(&on, row.id).await?;
            assert_eq!(found.is_some(), row.customer_id == tenant);
        }
    }
    let (rows,): (i64,) = sql("select count(*) from projects").one(db).await?;
    assert_eq!(rows as usize, model.len());
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
            take(db, &mut model, TENANTS[*tenant], number, step).await?;
        }
        compare(db, &model).await
    });
    Ok(())
});
