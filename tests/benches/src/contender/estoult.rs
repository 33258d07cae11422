//! estoult: on every database with its own connections, and on SQLite a second time as a synchronous
//! program uses it.

pub mod blocking;

use chrono::NaiveDateTime;
use estoult::{Database, Lifespan, Registry, Schema, insert_all, new};

use crate::contender::{CONNECTIONS, Start};
use crate::lane::{Contender, Lane};
use crate::sample::{self, AUTHORS, JOINED_AUTHORS, Titled, Unit};
use crate::workload::{Authors, Operations, Result};

#[derive(Debug, Clone, Schema)]
#[schema(table = "users", has_many(posts: Post))]
pub struct User {
    id: i64,
    name: String,
    email: Option<String>,
    created_at: NaiveDateTime,
}

#[derive(Debug, Clone, Schema)]
#[schema(table = "posts", belongs_to(user: User))]
pub struct Post {
    id: i64,
    user_id: i64,
    title: String,
}

#[derive(Debug, Clone, Schema)]
#[schema(table = "counters")]
pub struct Counter {
    id: i64,
    label: String,
    value: i64,
}

#[derive(Debug, Clone, Schema)]
#[schema(table = "notes")]
struct Note {
    id: i64,
    user_id: i64,
    body: String,
    created_at: NaiveDateTime,
}

sample::reading!(
    #[derive(Debug, Clone, Schema)]
    #[schema(table = "readings")]
    Reading { id } => sample::Reading
);

impl From<User> for sample::User {
    fn from(row: User) -> Self {
        Self {
            id: row.id,
            name: row.name,
            email: row.email,
            created_at: row.created_at,
        }
    }
}

impl From<Post> for sample::Post {
    fn from(row: Post) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            title: row.title,
        }
    }
}

impl From<sample::Counter> for Counter {
    fn from(row: sample::Counter) -> Self {
        Self {
            id: row.id,
            label: row.label,
            value: row.value,
        }
    }
}

pub fn lane(start: &Start<'_>) -> Result<Box<dyn Contender>> {
    let (registry, lifespan) = start.track.runtime.block_on(connect(start.url))?;
    Ok(Lane::boxed(
        start,
        Estoult {
            registry,
            _lifespan: lifespan,
        },
    ))
}

async fn connect(url: &str) -> estoult::Result<(Registry, Lifespan)> {
    let database = Database::builder(url).max_connections(CONNECTIONS as usize);
    let registry = Registry::builder(database).build()?;
    let lifespan = registry.connect().await?;
    Ok((registry, lifespan))
}

struct Estoult {
    registry: Registry,
    _lifespan: Lifespan,
}

impl Operations for Estoult {
    type User = User;
    type Post = Post;
    type Reading = Reading;
    type Counter = Counter;
    type Shared = Registry;

    async fn by_key(&mut self, id: i64) -> Result<User> {
        Ok(by_key(&self.registry, id).await?.ok_or("no such user")?)
    }

    async fn up_to(&mut self, id: i64) -> Result<Vec<User>> {
        Ok(up_to(&self.registry, id).await?)
    }

    async fn readings(&mut self) -> Result<Vec<Reading>> {
        Ok(readings(&self.registry).await?)
    }

    async fn titled(&mut self) -> Result<Vec<Titled>> {
        Ok(titled(&self.registry).await?)
    }

    async fn authors(&mut self) -> Result<Authors<User, Post>> {
        Ok(authors(&self.registry).await?)
    }

    async fn insert(&mut self, note: sample::Note) -> Result<i64> {
        Ok(insert(&self.registry, note).await?)
    }

    async fn update(&mut self, counter: Counter, value: i64) -> Result<()> {
        Ok(update(&self.registry, counter, value).await?)
    }

    async fn transaction(&mut self, unit: Unit) -> Result<User> {
        Ok(transaction(&self.registry, unit)
            .await?
            .ok_or("no such user")?)
    }

    async fn bulk(&mut self, notes: Vec<sample::Note>) -> Result<()> {
        Ok(bulk(&self.registry, notes).await?)
    }

    fn shared(&self) -> Registry {
        self.registry.clone()
    }

    async fn by_key_shared(registry: &Registry, id: i64) -> Result<User> {
        Ok(by_key(registry, id).await?.ok_or("no such user")?)
    }

    async fn acquire(&mut self) -> Result<()> {
        Ok(acquire(&self.registry).await?)
    }
}

async fn by_key(registry: &Registry, id: i64) -> estoult::Result<Option<User>> {
    User::get(registry, id).await
}

async fn up_to(registry: &Registry, id: i64) -> estoult::Result<Vec<User>> {
    let users = User::query()
        .filter(User::id.le(id))
        .order_by(User::id.asc());
    users.all(registry).await
}

async fn readings(registry: &Registry) -> estoult::Result<Vec<Reading>> {
    Reading::query()
        .order_by(Reading::id.asc())
        .all(registry)
        .await
}

async fn titled(registry: &Registry) -> estoult::Result<Vec<Titled>> {
    let titled = estoult::sql(
        "select p.id, p.title, u.name from posts p join users u on u.id = p.user_id \
         where u.id <= :last order by p.id",
    );
    titled.bind("last", JOINED_AUTHORS).all(registry).await
}

async fn authors(registry: &Registry) -> estoult::Result<Authors<User, Post>> {
    let users = User::query()
        .filter(User::id.le(AUTHORS))
        .order_by(User::id.asc());
    users
        .preload(User::posts.order_by(Post::id.asc()))
        .all(registry)
        .await
}

async fn insert(registry: &Registry, note: sample::Note) -> estoult::Result<i64> {
    Ok(literal(note).insert(registry).await?.id)
}

async fn update(registry: &Registry, counter: Counter, value: i64) -> estoult::Result<()> {
    counter
        .change()
        .put(Counter::value, value)
        .update(registry)
        .await?;
    Ok(())
}

async fn transaction(registry: &Registry, unit: Unit) -> estoult::Result<Option<User>> {
    let Unit {
        user,
        notes,
        counters,
        value,
    } = unit;
    let work = registry.transaction(async move |tx| {
        let user = User::get(tx, user).await?;
        for note in notes {
            literal(note).insert(tx).await?;
        }
        for counter in counters {
            Counter::from(counter)
                .change()
                .put(Counter::value, value)
                .update(tx)
                .await?;
        }
        Ok(user)
    });
    work.await
}

async fn bulk(registry: &Registry, notes: Vec<sample::Note>) -> estoult::Result<()> {
    insert_all(registry, notes.into_iter().map(literal)).await?;
    Ok(())
}

async fn acquire(registry: &Registry) -> estoult::Result<()> {
    drop(registry.default_database().pin().await?);
    Ok(())
}

fn literal(note: sample::Note) -> estoult::New<Note> {
    let sample::Note {
        user_id,
        body,
        created_at,
    } = note;
    new!(Note {
        user_id,
        body,
        created_at
    })
}
