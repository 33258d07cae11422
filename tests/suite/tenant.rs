//! Rows of tenants: a handle that is bound to one reaches its rows and no other's.

mod handle;
mod model;
mod raw;
mod write;

use estoult::{Database, Reads, Result, Schema, Tenanted, Writes, count_rows, new, schema::Tenant};

use crate::support::{create_table, on_every_backend};

/// What all tenants share.
#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "colours")]
pub(super) struct Colour {
    id: i64,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "projects", has_many(tasks: Task), belongs_to(colour: Colour))]
pub(super) struct Project {
    id: i64,
    #[field(tenant)]
    customer_id: i64,
    name: String,
    colour_id: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "tasks", belongs_to(project: Project))]
pub(super) struct Task {
    id: i64,
    project_id: i64,
    #[field(tenant)]
    customer_id: i64,
    title: String,
}

pub(super) async fn create_tables(database: &Database) -> Result<()> {
    create_table::<Colour>(database).await?;
    create_table::<Project>(database).await?;
    create_table::<Task>(database).await
}

pub(super) async fn project(on: &impl Writes<Tenant<i64>>, name: &str) -> Result<Project> {
    let row = new!(Project {
        name: name.to_owned(),
        colour_id: None
    });
    row.insert(on).await
}

pub(super) async fn task(
    on: &impl Writes<Tenant<i64>>,
    project: &Project,
    title: &str,
) -> Result<Task> {
    let row = new!(Task {
        project_id: project.id,
        title: title.to_owned()
    });
    row.insert(on).await
}

pub(super) async fn names(on: &impl Reads<Tenant<i64>>) -> Result<Vec<String>> {
    let names = Project::query().order_by(Project::id.asc());
    names.select(Project::name).all(on).await
}

/// Two tenants, each with a project and a task in it.
async fn two(db: &Database) -> Result<[(Tenanted<Database, i64>, Project, Task); 2]> {
    create_tables(db).await?;
    let (seven, eight) = (db.for_tenant(7), db.for_tenant(8));
    let house = project(&seven, "house").await?;
    let boat = project(&eight, "boat").await?;
    let paint = task(&seven, &house, "paint").await?;
    let sail = task(&eight, &boat, "sail").await?;
    Ok([(seven, house, paint), (eight, boat, sail)])
}

on_every_backend!(rows_of_another_tenant_are_not_read, async |db| {
    let [(seven, house, _), (eight, boat, _)] = two(db).await?;
    assert_eq!(
        Project::query().all(&seven).await?,
        std::slice::from_ref(&house)
    );
    assert_eq!(Project::query().one(&eight).await?, boat);
    assert_eq!(Project::get(&seven, house.id).await?, Some(house.clone()));
    assert_eq!(Project::get(&eight, house.id).await?, None);
    let of_seven = Project::query().filter(Project::id.eq(house.id));
    assert_eq!(of_seven.clone().count(&eight).await?, 0);
    assert!(!of_seven.clone().exists(&eight).await?);
    assert_eq!(of_seven.clone().first(&eight).await?, None);
    assert_eq!(of_seven.optional(&seven).await?, Some(house.clone()));
    let either = Project::name.eq("house").or(Project::name.eq("boat"));
    assert_eq!(Project::query().filter(either).count(&seven).await?, 1);
    Ok(())
});

on_every_backend!(every_clause_keeps_to_the_tenant, async |db| {
    let [(seven, house, _), _] = two(db).await?;
    task(&seven, &house, "paint").await?;
    let by_title = Task::query().group_by(Task::title);
    let counted = by_title.select((Task::title, count_rows()));
    assert_eq!(counted.all(&seven).await?, [("paint".to_owned(), 2)]);
    let distinct = Task::query().select(Task::title).distinct();
    assert_eq!(distinct.clone().all(&seven).await?, ["paint"]);
    assert_eq!(distinct.count(&seven).await?, 1);
    assert_eq!(Task::query().limit(5).offset(1).count(&seven).await?, 1);
    Ok(())
});

on_every_backend!(preloads_lead_to_rows_of_the_tenant, async |db| {
    let [(seven, house, paint), (eight, boat, sail)] = two(db).await?;
    // A row of one tenant that points at a row of the other, as a mistaken import may leave behind.
    let astray = task(&eight, &house, "astray").await?;
    let loaded = Project::query().preload(Project::tasks).all(&seven).await?;
    assert_eq!(loaded, [(house.clone(), vec![paint.clone()])]);
    let limited = Project::query().preload(Project::tasks.limit(3));
    assert_eq!(
        limited.all(&seven).await?,
        [(house.clone(), vec![paint.clone()])]
    );
    let tasks = Task::query()
        .order_by(Task::id.asc())
        .preload(Task::project.preload(Project::tasks));
    assert_eq!(
        tasks.all(&eight).await?,
        [
            (sail.clone(), Some((boat.clone(), vec![sail.clone()]))),
            (astray, None)
        ]
    );
    assert_eq!(Project::tasks.of(&house).all(&seven).await?, [paint]);
    assert_eq!(Project::tasks.of(&boat).all(&seven).await?, []);
    Ok(())
});

on_every_backend!(filters_over_associations_keep_to_the_tenant, async |db| {
    let [(seven, house, _), (eight, ..)] = two(db).await?;
    task(&eight, &house, "astray").await?;
    let astray = Project::tasks.any(Task::title.eq("astray"));
    assert_eq!(Project::query().filter(astray).count(&seven).await?, 0);
    let with_tasks = Project::query().filter(Project::tasks.exists());
    assert_eq!(with_tasks.all(&seven).await?, std::slice::from_ref(&house));
    let in_house = Task::project.any(Project::name.eq("house"));
    assert_eq!(Task::query().filter(in_house).count(&eight).await?, 0);
    Ok(())
});

on_every_backend!(tables_that_tenants_share_are_used_as_ever, async |db| {
    let [(seven, house, _), (eight, ..)] = two(db).await?;
    let red = new!(Colour {
        name: "red".to_owned()
    });
    let red = red.insert(&seven).await?;
    assert_eq!(Colour::get(&eight, red.id).await?, Some(red.clone()));
    assert_eq!(Colour::query().count(db).await?, 1);
    let house = house.change().put(Project::colour_id, red.id);
    let house = house.update(&seven).await?;
    let loaded = Project::query()
        .preload(Project::colour)
        .one(&seven)
        .await?;
    assert_eq!(loaded, (house.clone(), Some(red.clone())));
    let bare = house.change().put(Project::colour_id, None);
    bare.update(&seven).await?;
    red.delete(&eight).await?;
    assert_eq!(Colour::query().count(&seven).await?, 0);
    Ok(())
});
