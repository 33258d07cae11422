//! PostgreSQL through tokio-postgres: one client whose statements are prepared at the start; tasks
//! share a deadpool, whose connections keep a cache of statements.

use chrono::NaiveDateTime;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use tokio_postgres::{Client, GenericClient, NoTls, Row, Statement};

use crate::contender::{CONNECTIONS, Start, group};
use crate::lane::{Contender, Lane};
use crate::sample::{self, AUTHORS, JOINED_AUTHORS, Note, Post, Reading, Titled, Unit, User};
use crate::workload::{Authors, Operations, Result};

const BY_KEY: &str = "select id, name, email, created_at from users where id = $1";
const UP_TO: &str = "select id, name, email, created_at from users where id <= $1 order by id";
const TITLED: &str = "select p.id, p.title, u.name from posts p join users u on u.id = p.user_id \
    where u.id <= $1 order by p.id";
const POSTS: &str =
    "select id, user_id, title from posts where user_id = any($1) order by user_id, id";
const INSERT: &str =
    "insert into notes (user_id, body, created_at) values ($1, $2, $3) returning id";
const UPDATE: &str = "update counters set value = $1 where id = $2";
const MANY: &str = "insert into notes (user_id, body, created_at) \
    select * from unnest($1::bigint[], $2::text[], $3::timestamp[])";

pub fn lane(start: &Start<'_>) -> Result<Box<dyn Contender>> {
    let contender = start.track.runtime.block_on(connect(start.url))?;
    Ok(Lane::boxed(start, contender))
}

async fn connect(url: &str) -> Result<TokioPostgres> {
    let (client, driver) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(driver);
    let statements = Statements::prepare(&client).await?;
    let recycling = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    let manager = Manager::from_config(url.parse()?, NoTls, recycling);
    let pool = Pool::builder(manager)
        .max_size(CONNECTIONS as usize)
        .build()?;
    Ok(TokioPostgres {
        client,
        statements,
        pool,
    })
}

struct TokioPostgres {
    client: Client,
    statements: Statements,
    pool: Pool,
}

struct Statements {
    by_key: Statement,
    up_to: Statement,
    readings: Statement,
    titled: Statement,
    posts: Statement,
    insert: Statement,
    update: Statement,
    many: Statement,
}

impl Statements {
    async fn prepare(client: &Client) -> Result<Self> {
        let readings = format!(
            "select {} from readings order by id",
            sample::READING_COLUMNS
        );
        Ok(Self {
            by_key: client.prepare(BY_KEY).await?,
            up_to: client.prepare(UP_TO).await?,
            readings: client.prepare(&readings).await?,
            titled: client.prepare(TITLED).await?,
            posts: client.prepare(POSTS).await?,
            insert: client.prepare(INSERT).await?,
            update: client.prepare(UPDATE).await?,
            many: client.prepare(MANY).await?,
        })
    }
}

impl Operations for TokioPostgres {
    type User = User;
    type Post = Post;
    type Reading = Reading;
    type Counter = sample::Counter;
    type Shared = Pool;

    async fn by_key(&mut self, id: i64) -> Result<User> {
        user(
            &self
                .client
                .query_one(&self.statements.by_key, &[&id])
                .await?,
        )
    }

    async fn up_to(&mut self, id: i64) -> Result<Vec<User>> {
        let rows = self.client.query(&self.statements.up_to, &[&id]).await?;
        rows.iter().map(user).collect()
    }

    async fn readings(&mut self) -> Result<Vec<Reading>> {
        let rows = self.client.query(&self.statements.readings, &[]).await?;
        rows.iter().map(reading).collect()
    }

    async fn titled(&mut self) -> Result<Vec<Titled>> {
        let rows = self
            .client
            .query(&self.statements.titled, &[&JOINED_AUTHORS])
            .await?;
        rows.iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
            .collect()
    }

    async fn authors(&mut self) -> Result<Authors<User, Post>> {
        let users = self.up_to(AUTHORS).await?;
        let keys: Vec<i64> = users.iter().map(|user| user.id).collect();
        let rows = self.client.query(&self.statements.posts, &[&keys]).await?;
        let posts = rows.iter().map(post).collect::<Result<_>>()?;
        Ok(group(users, posts, |post: &Post, user| {
            post.user_id == user.id
        }))
    }

    async fn insert(&mut self, note: Note) -> Result<i64> {
        insert(&self.client, &self.statements.insert, &note).await
    }

    async fn update(&mut self, counter: sample::Counter, value: i64) -> Result<()> {
        self.client
            .execute(&self.statements.update, &[&value, &counter.id])
            .await?;
        Ok(())
    }

    async fn transaction(&mut self, unit: Unit) -> Result<User> {
        let transaction = self.client.transaction().await?;
        let row = transaction
            .query_one(&self.statements.by_key, &[&unit.user])
            .await?;
        for note in &unit.notes {
            insert(&transaction, &self.statements.insert, note).await?;
        }
        for counter in &unit.counters {
            transaction
                .execute(&self.statements.update, &[&unit.value, &counter.id])
                .await?;
        }
        transaction.commit().await?;
        user(&row)
    }

    async fn bulk(&mut self, notes: Vec<Note>) -> Result<()> {
        let users: Vec<i64> = notes.iter().map(|note| note.user_id).collect();
        let bodies: Vec<&str> = notes.iter().map(|note| note.body.as_str()).collect();
        let times: Vec<NaiveDateTime> = notes.iter().map(|note| note.created_at).collect();
        self.client
            .execute(&self.statements.many, &[&users, &bodies, &times])
            .await?;
        Ok(())
    }

    fn shared(&self) -> Pool {
        self.pool.clone()
    }

    async fn by_key_shared(pool: &Pool, id: i64) -> Result<User> {
        let client = pool.get().await?;
        let statement = client.prepare_cached(BY_KEY).await?;
        user(&client.query_one(&statement, &[&id]).await?)
    }

    async fn acquire(&mut self) -> Result<()> {
        drop(self.pool.get().await?);
        Ok(())
    }
}

async fn insert(client: &impl GenericClient, statement: &Statement, note: &Note) -> Result<i64> {
    let row = client
        .query_one(statement, &[&note.user_id, &note.body, &note.created_at])
        .await?;
    Ok(row.try_get(0)?)
}

fn user(row: &Row) -> Result<User> {
    Ok(User {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        email: row.try_get(2)?,
        created_at: row.try_get(3)?,
    })
}

fn post(row: &Row) -> Result<Post> {
    Ok(Post {
        id: row.try_get(0)?,
        user_id: row.try_get(1)?,
        title: row.try_get(2)?,
    })
}

fn reading(row: &Row) -> Result<Reading> {
    Ok(Reading {
        id: row.try_get(0)?,
        device: row.try_get(1)?,
        place: row.try_get(2)?,
        unit: row.try_get(3)?,
        remark: row.try_get(4)?,
        tag: row.try_get(5)?,
        sequence: row.try_get(6)?,
        batch: row.try_get(7)?,
        owner: row.try_get(8)?,
        parent: row.try_get(9)?,
        successor: row.try_get(10)?,
        channel: row.try_get(11)?,
        level: row.try_get(12)?,
        attempts: row.try_get(13)?,
        priority: row.try_get(14)?,
        valid: row.try_get(15)?,
        archived: row.try_get(16)?,
        low: row.try_get(17)?,
        high: row.try_get(18)?,
        mean: row.try_get(19)?,
        deviation: row.try_get(20)?,
        firmware: row.try_get(21)?,
        checked: row.try_get(22)?,
        taken_at: row.try_get(23)?,
        stored_at: row.try_get(24)?,
    })
}
