//! diesel-async on PostgreSQL: one connection; tasks share a deadpool, which recycles them without
//! a query.

use diesel::QueryResult;
use diesel::prelude::{BelongingToDsl, ExpressionMethods, QueryDsl, SelectableHelper};
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

use crate::contender::{CONNECTIONS, Start};
use crate::lane::{Contender, Lane};
use crate::sample::{self, AUTHORS, JOINED_AUTHORS, Titled, Unit};
use crate::workload::{Authors, Operations, Result};

use super::{
    Note, Post, Reading, User, counters, grouped, notes, posts, readings, users, users_up_to,
};

type PgPool = Pool<AsyncPgConnection>;

pub fn lane(start: &Start<'_>) -> Result<Box<dyn Contender>> {
    let contender = start.track.runtime.block_on(connect(start.url))?;
    Ok(Lane::boxed(start, contender))
}

async fn connect(url: &str) -> Result<DieselAsync> {
    let connection = AsyncPgConnection::establish(url).await?;
    let mut recycling = ManagerConfig::default();
    recycling.recycling_method = RecyclingMethod::Fast;
    let manager = AsyncDieselConnectionManager::new_with_config(url, recycling);
    let pool = Pool::builder(manager)
        .max_size(CONNECTIONS as usize)
        .build()?;
    Ok(DieselAsync { connection, pool })
}

struct DieselAsync {
    connection: AsyncPgConnection,
    pool: PgPool,
}

impl Operations for DieselAsync {
    type User = User;
    type Post = Post;
    type Reading = Reading;
    type Counter = sample::Counter;
    type Shared = PgPool;

    async fn by_key(&mut self, id: i64) -> Result<User> {
        Ok(by_key(&mut self.connection, id).await?)
    }

    async fn up_to(&mut self, id: i64) -> Result<Vec<User>> {
        Ok(users_up_to(id)
            .select(User::as_select())
            .load(&mut self.connection)
            .await?)
    }

    async fn readings(&mut self) -> Result<Vec<Reading>> {
        let rows = readings::table
            .order(readings::id.asc())
            .select(Reading::as_select());
        Ok(rows.load(&mut self.connection).await?)
    }

    async fn titled(&mut self) -> Result<Vec<Titled>> {
        let joined = posts::table
            .inner_join(users::table)
            .filter(users::id.le(JOINED_AUTHORS));
        let titled = joined
            .order(posts::id.asc())
            .select((posts::id, posts::title, users::name));
        Ok(titled.load(&mut self.connection).await?)
    }

    async fn authors(&mut self) -> Result<Authors<User, Post>> {
        let users = self.up_to(AUTHORS).await?;
        let posts = Post::belonging_to(&users)
            .order(posts::id.asc())
            .select(Post::as_select());
        let posts = posts.load(&mut self.connection).await?;
        Ok(grouped(users, posts))
    }

    async fn insert(&mut self, note: sample::Note) -> Result<i64> {
        Ok(insert(&mut self.connection, note).await?)
    }

    async fn update(&mut self, counter: sample::Counter, value: i64) -> Result<()> {
        Ok(update(&mut self.connection, counter.id, value).await?)
    }

    async fn transaction(&mut self, unit: Unit) -> Result<User> {
        let user = self
            .connection
            .transaction(async move |connection| -> QueryResult<User> {
                let user = by_key(connection, unit.user).await?;
                for note in unit.notes {
                    insert(connection, note).await?;
                }
                for counter in unit.counters {
                    update(connection, counter.id, unit.value).await?;
                }
                Ok(user)
            });
        Ok(user.await?)
    }

    async fn bulk(&mut self, notes: Vec<sample::Note>) -> Result<()> {
        let notes: Vec<Note> = notes.into_iter().map(Note::from).collect();
        diesel::insert_into(notes::table)
            .values(notes)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    fn shared(&self) -> PgPool {
        self.pool.clone()
    }

    async fn by_key_shared(pool: &PgPool, id: i64) -> Result<User> {
        Ok(by_key(&mut *pool.get().await?, id).await?)
    }

    async fn acquire(&mut self) -> Result<()> {
        drop(self.pool.get().await?);
        Ok(())
    }
}

async fn by_key(connection: &mut AsyncPgConnection, id: i64) -> QueryResult<User> {
    users::table
        .find(id)
        .select(User::as_select())
        .get_result(connection)
        .await
}

async fn insert(connection: &mut AsyncPgConnection, note: sample::Note) -> QueryResult<i64> {
    let insert = diesel::insert_into(notes::table).values(Note::from(note));
    insert.returning(notes::id).get_result(connection).await
}

async fn update(connection: &mut AsyncPgConnection, id: i64, value: i64) -> QueryResult<()> {
    let update = diesel::update(counters::table.find(id)).set(counters::value.eq(value));
    update.execute(connection).await?;
    Ok(())
}
