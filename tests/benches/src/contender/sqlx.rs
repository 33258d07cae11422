//! SQLx on three databases: once with a connection that is held, once with a pool that lends one
//! for every statement. What the databases have in common is written here, once, as a macro.

pub mod mysql;
pub mod postgres;
pub mod sqlite;

use std::ops::{Deref, DerefMut};

use chrono::NaiveDateTime;
use sqlx::pool::PoolConnection;
use sqlx::{Database, FromRow, Pool};

use crate::sample;
use crate::workload::Result;

#[derive(FromRow)]
pub struct User {
    id: i64,
    name: String,
    email: Option<String>,
    created_at: NaiveDateTime,
}

#[derive(FromRow)]
pub struct Post {
    id: i64,
    user_id: i64,
    title: String,
}

sample::reading!(#[derive(FromRow)] Reading { id } => sample::Reading);

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

/// Where statements go: to a connection that is held, or to whichever the pool lends.
struct Source<D: Database> {
    held: Option<D::Connection>,
    pool: Pool<D>,
}

enum Lease<'l, D: Database> {
    Held(&'l mut D::Connection),
    Lent(PoolConnection<D>),
}

impl<D: Database> Source<D> {
    async fn lease(&mut self) -> Result<Lease<'_, D>> {
        Ok(match &mut self.held {
            Some(held) => Lease::Held(held),
            None => Lease::Lent(self.pool.acquire().await?),
        })
    }
}

impl<D: Database> Deref for Lease<'_, D> {
    type Target = D::Connection;

    fn deref(&self) -> &D::Connection {
        match self {
            Self::Held(connection) => connection,
            Self::Lent(connection) => connection,
        }
    }
}

impl<D: Database> DerefMut for Lease<'_, D> {
    fn deref_mut(&mut self) -> &mut D::Connection {
        match self {
            Self::Held(connection) => connection,
            Self::Lent(connection) => connection,
        }
    }
}

/// Implements the workloads for one database, whose parameters are written `$one` and `$two`. The
/// functions `insert`, `bulk`, `posts` and the text `BEGIN` are the file's own.
macro_rules! operations {
    ($database:ty, $one:literal, $two:literal) => {
        const BY_KEY: &str = concat!(
            "select id, name, email, created_at from users where id = ",
            $one
        );
        const UP_TO: &str = concat!(
            "select id, name, email, created_at from users where id <= ",
            $one,
            " order by id"
        );
        const TITLED: &str = concat!(
            "select p.id, p.title, u.name from posts p join users u on u.id = p.user_id ",
            "where u.id <= ",
            $one,
            " order by p.id"
        );
        const UPDATE: &str = concat!("update counters set value = ", $one, " where id = ", $two);

        type Connection = <$database as ::sqlx::Database>::Connection;

        struct Contender {
            source: super::Source<$database>,
            readings: std::sync::Arc<str>,
        }

        pub fn held(start: &Start<'_>) -> Result<Box<dyn lane::Contender>> {
            lane(start, true)
        }

        pub fn pooled(start: &Start<'_>) -> Result<Box<dyn lane::Contender>> {
            lane(start, false)
        }

        fn lane(start: &Start<'_>, holds: bool) -> Result<Box<dyn lane::Contender>> {
            let source = start.track.runtime.block_on(async {
                let pool = pool(start.url).await?;
                let held = if holds {
                    Some(pool.acquire().await?.detach())
                } else {
                    None
                };
                Ok::<_, Failure>(super::Source { held, pool })
            })?;
            let readings = format!("select {} from readings order by id", READING_COLUMNS).into();
            Ok(lane::Lane::boxed(start, Contender { source, readings }))
        }

        impl Operations for Contender {
            type User = User;
            type Post = Post;
            type Reading = Reading;
            type Counter = sample::Counter;
            type Shared = ::sqlx::Pool<$database>;

            async fn by_key(&mut self, id: i64) -> Result<User> {
                by_key(&mut *self.source.lease().await?, id).await
            }

            async fn up_to(&mut self, id: i64) -> Result<Vec<User>> {
                let mut lease = self.source.lease().await?;
                Ok(query_as(UP_TO).bind(id).fetch_all(&mut *lease).await?)
            }

            async fn readings(&mut self) -> Result<Vec<Reading>> {
                let mut lease = self.source.lease().await?;
                let text = AssertSqlSafe(std::sync::Arc::clone(&self.readings));
                Ok(query_as(text).fetch_all(&mut *lease).await?)
            }

            async fn titled(&mut self) -> Result<Vec<Titled>> {
                let mut lease = self.source.lease().await?;
                Ok(query_as(TITLED)
                    .bind(JOINED_AUTHORS)
                    .fetch_all(&mut *lease)
                    .await?)
            }

            async fn authors(&mut self) -> Result<Authors<User, Post>> {
                let users = self.up_to(AUTHORS).await?;
                let keys: Vec<i64> = users.iter().map(|user| user.id).collect();
                let posts = posts(&mut *self.source.lease().await?, keys).await?;
                Ok(group(users, posts, |post, user| post.user_id == user.id))
            }

            async fn insert(&mut self, note: Note) -> Result<i64> {
                insert(&mut *self.source.lease().await?, note).await
            }

            async fn update(&mut self, counter: sample::Counter, value: i64) -> Result<()> {
                update(&mut *self.source.lease().await?, counter.id, value).await
            }

            async fn transaction(&mut self, unit: Unit) -> Result<User> {
                let mut lease = self.source.lease().await?;
                let mut transaction = ::sqlx::Connection::begin_with(&mut *lease, BEGIN).await?;
                let user = by_key(&mut transaction, unit.user).await?;
                for note in unit.notes {
                    insert(&mut transaction, note).await?;
                }
                for counter in &unit.counters {
                    update(&mut transaction, counter.id, unit.value).await?;
                }
                transaction.commit().await?;
                Ok(user)
            }

            async fn bulk(&mut self, notes: Vec<Note>) -> Result<()> {
                bulk(&mut *self.source.lease().await?, notes).await
            }

            fn shared(&self) -> Self::Shared {
                self.source.pool.clone()
            }

            async fn by_key_shared(pool: &Self::Shared, id: i64) -> Result<User> {
                by_key(&mut *pool.acquire().await?, id).await
            }

            async fn acquire(&mut self) -> Result<()> {
                drop(self.source.pool.acquire().await?);
                Ok(())
            }
        }

        async fn by_key(connection: &mut Connection, id: i64) -> Result<User> {
            Ok(query_as(BY_KEY).bind(id).fetch_one(connection).await?)
        }

        async fn update(connection: &mut Connection, id: i64, value: i64) -> Result<()> {
            query(UPDATE)
                .bind(value)
                .bind(id)
                .execute(connection)
                .await?;
            Ok(())
        }
    };
}
use operations;
