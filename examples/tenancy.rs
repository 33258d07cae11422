//! Several customers in one program, none of whom sees another's rows: shared tables with a tenant column, and a
//! database schema for each.

use estoult::{Database, Result, Schema, Writes, batch, new, schema::Tenant, sql, with_tenant};

#[derive(Debug, Clone, Schema)]
#[schema(has_many(tasks: Task))]
struct Project {
    id: i64,
    #[field(tenant)]
    customer_id: i64,
    name: String,
}

#[derive(Debug, Clone, Schema)]
#[schema(belongs_to(project: Project))]
struct Task {
    id: i64,
    project_id: i64,
    #[field(tenant)]
    customer_id: i64,
    title: String,
}

const TABLES: &str = "
    create table projects (id integer primary key, customer_id integer not null, name text not null);
    create table tasks (
        id integer primary key,
        project_id integer not null references projects (id),
        customer_id integer not null,
        title text not null
    );
";

/// A table that each customer has in its own schema.
#[derive(Debug, Clone, Schema)]
struct Invoice {
    id: i64,
    cents: i64,
}

const INVOICES: &str =
    "create table {schema}.invoices (id integer primary key, cents integer not null)";

/// Serves a request of any customer: only the handle knows which.
async fn plan(on: &impl Writes<Tenant<i64>>, name: &str, titles: [&str; 2]) -> Result<()> {
    let name = name.to_owned();
    let project = new!(Project { name }).insert(on).await?;
    for title in titles {
        let task = new!(Task {
            project_id: project.id,
            title: title.to_owned()
        });
        task.insert(on).await?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let database = Database::builder("sqlite::memory:").build()?;
    let lifespan = database.connect().await?;
    rows_of_shared_tables(&database).await?;
    schemas(&database).await?;
    lifespan.close().await
}

async fn rows_of_shared_tables(database: &Database) -> Result<()> {
    batch(database, TABLES).await?;
    let (seven, eight) = (database.for_tenant(7), database.for_tenant(8));
    plan(&seven, "house", ["dig", "build"]).await?;
    eight
        .transaction(async |tx| plan(tx, "boat", ["saw", "sail"]).await)
        .await?;

    for tenant in [&seven, &eight] {
        let projects = Project::query().preload(Project::tasks).all(tenant).await?;
        for (project, tasks) in projects {
            let titles: Vec<_> = tasks.iter().map(|task| task.title.as_str()).collect();
            println!(
                "customer {}: {} ({})",
                project.customer_id,
                project.name,
                titles.join(", ")
            );
        }
    }

    // No statement reaches the tasks of the other customer.
    let deleted = Task::query().delete_all(&seven).await?;
    let left = Task::query().count(&eight).await?;
    println!("customer 7 deleted {deleted} tasks; customer 8 has {left}");
    Ok(())
}

async fn schemas(database: &Database) -> Result<()> {
    for customer in ["customer_7", "customer_8"] {
        database.create_schema(customer).await?;
        batch(&database.using_schema(customer)?, INVOICES).await?;
    }

    // A handle of one customer.
    let seven = database.using_schema("customer_7")?;
    new!(Invoice { cents: 1250 }).insert(&seven).await?;

    // Or a scope around the whole request, with a handle that all customers share.
    with_tenant("customer_8", async {
        new!(Invoice { cents: 900 }).insert(database).await?;
        new!(Invoice { cents: 1 }).insert(database).await
    })
    .await?;
    for customer in database.schemas().await? {
        let invoices = Invoice::query().using_schema(&customer);
        println!("{customer}: {} invoices", invoices.count(database).await?);
    }

    // Raw SQL has to say where its tables are.
    let text = "select count(*) from invoices";
    if let Err(error) = sql(text).one::<(i64,)>(&seven).await {
        println!("refused: {}", error.message());
    }
    database.drop_schema_and_tables("customer_7").await
}
