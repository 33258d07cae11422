//! Diesel: SQLite and PostgreSQL through its own drivers, which block, and PostgreSQL through
//! diesel-async. The tables and rows are the same for all and stand here.

pub mod postgres;
pub mod postgres_async;
pub mod sqlite;

use chrono::NaiveDateTime;
use diesel::prelude::*;

use crate::sample;

diesel::table! {
    users (id) {
        id -> BigInt,
        name -> Text,
        email -> Nullable<Text>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    posts (id) {
        id -> BigInt,
        user_id -> BigInt,
        title -> Text,
    }
}

diesel::table! {
    counters (id) {
        id -> BigInt,
        label -> Text,
        value -> BigInt,
    }
}

diesel::table! {
    notes (id) {
        id -> BigInt,
        user_id -> BigInt,
        body -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    readings (id) {
        id -> BigInt,
        device -> Text,
        place -> Text,
        unit -> Text,
        remark -> Nullable<Text>,
        tag -> Nullable<Text>,
        sequence -> BigInt,
        batch -> BigInt,
        owner -> BigInt,
        parent -> Nullable<BigInt>,
        successor -> Nullable<BigInt>,
        channel -> Integer,
        level -> Integer,
        attempts -> Integer,
        priority -> Integer,
        valid -> Bool,
        archived -> Bool,
        low -> Double,
        high -> Double,
        mean -> Double,
        deviation -> Double,
        firmware -> Text,
        checked -> Nullable<Bool>,
        taken_at -> Timestamp,
        stored_at -> Timestamp,
    }
}

diesel::joinable!(posts -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(users, posts);

#[derive(Queryable, Selectable, Identifiable)]
#[diesel(table_name = users)]
pub struct User {
    id: i64,
    name: String,
    email: Option<String>,
    created_at: NaiveDateTime,
}

#[derive(Queryable, Selectable, Identifiable, Associations)]
#[diesel(table_name = posts, belongs_to(User))]
pub struct Post {
    id: i64,
    user_id: i64,
    title: String,
}

sample::reading!(
    #[derive(Queryable, Selectable)]
    #[diesel(table_name = readings)]
    Reading { id } => sample::Reading
);

/// Without `treat_none_as_default_value = false` a single insert could not be cached.
#[derive(Insertable)]
#[diesel(table_name = notes, treat_none_as_default_value = false)]
pub struct Note {
    user_id: i64,
    body: String,
    created_at: NaiveDateTime,
}

impl From<sample::Note> for Note {
    fn from(row: sample::Note) -> Self {
        Self {
            user_id: row.user_id,
            body: row.body,
            created_at: row.created_at,
        }
    }
}

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

fn grouped(users: Vec<User>, posts: Vec<Post>) -> Vec<(User, Vec<Post>)> {
    let grouped = posts.grouped_by(&users);
    users.into_iter().zip(grouped).collect()
}

/// The users up to a key, in order.
#[diesel::dsl::auto_type]
fn users_up_to(id: i64) -> _ {
    users::table.filter(users::id.le(id)).order(users::id.asc())
}

/// Implements the workloads for a connection that blocks and begins a transaction in this way.
macro_rules! operations {
    ($connection:ty, $transaction:ident) => {
        type Shared = Pool<ConnectionManager<$connection>>;

        struct Diesel {
            connection: $connection,
            pool: Shared,
        }

        impl Operations for Diesel {
            type User = User;
            type Post = Post;
            type Reading = Reading;
            type Counter = sample::Counter;
            type Shared = Shared;

            const BLOCKING: bool = true;

            async fn by_key(&mut self, id: i64) -> Result<User> {
                Ok(by_key(&mut self.connection, id)?)
            }

            async fn up_to(&mut self, id: i64) -> Result<Vec<User>> {
                Ok(super::users_up_to(id)
                    .select(User::as_select())
                    .load(&mut self.connection)?)
            }

            async fn readings(&mut self) -> Result<Vec<Reading>> {
                let rows = readings::table
                    .order(readings::id.asc())
                    .select(Reading::as_select());
                Ok(rows.load(&mut self.connection)?)
            }

            async fn titled(&mut self) -> Result<Vec<Titled>> {
                let joined = posts::table
                    .inner_join(users::table)
                    .filter(users::id.le(JOINED_AUTHORS));
                let titled =
                    joined
                        .order(posts::id.asc())
                        .select((posts::id, posts::title, users::name));
                Ok(titled.load(&mut self.connection)?)
            }

            async fn authors(&mut self) -> Result<Authors<User, Post>> {
                let users = self.up_to(AUTHORS).await?;
                let posts = Post::belonging_to(&users)
                    .order(posts::id.asc())
                    .select(Post::as_select());
                let posts = posts.load(&mut self.connection)?;
                Ok(super::grouped(users, posts))
            }

            async fn insert(&mut self, note: sample::Note) -> Result<i64> {
                Ok(insert(&mut self.connection, note)?)
            }

            async fn update(&mut self, counter: sample::Counter, value: i64) -> Result<()> {
                Ok(update(&mut self.connection, counter.id, value)?)
            }

            async fn transaction(&mut self, unit: Unit) -> Result<User> {
                Ok(self
                    .connection
                    .$transaction(|connection| -> diesel::QueryResult<User> {
                        let user = by_key(connection, unit.user)?;
                        for note in unit.notes {
                            insert(connection, note)?;
                        }
                        for counter in unit.counters {
                            update(connection, counter.id, unit.value)?;
                        }
                        Ok(user)
                    })?)
            }

            async fn bulk(&mut self, notes: Vec<sample::Note>) -> Result<()> {
                let notes: Vec<Note> = notes.into_iter().map(Note::from).collect();
                diesel::insert_into(notes::table)
                    .values(notes)
                    .execute(&mut self.connection)?;
                Ok(())
            }

            fn shared(&self) -> Shared {
                self.pool.clone()
            }

            async fn by_key_shared(pool: &Shared, id: i64) -> Result<User> {
                Ok(by_key(&mut *pool.get()?, id)?)
            }

            async fn acquire(&mut self) -> Result<()> {
                drop(self.pool.get()?);
                Ok(())
            }
        }

        fn by_key(connection: &mut $connection, id: i64) -> diesel::QueryResult<User> {
            users::table
                .find(id)
                .select(User::as_select())
                .get_result(connection)
        }

        fn insert(connection: &mut $connection, note: sample::Note) -> diesel::QueryResult<i64> {
            let insert = diesel::insert_into(notes::table).values(Note::from(note));
            insert.returning(notes::id).get_result(connection)
        }

        fn update(connection: &mut $connection, id: i64, value: i64) -> diesel::QueryResult<()> {
            diesel::update(counters::table.find(id))
                .set(counters::value.eq(value))
                .execute(connection)?;
            Ok(())
        }
    };
}
use operations;
