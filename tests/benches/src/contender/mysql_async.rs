//! MySQL and MariaDB through mysql_async: one connection with its cache of statements; tasks share
//! its own pool, which resets no connection that comes back.

use std::sync::LazyLock;

use chrono::NaiveDateTime;
use mysql_async::prelude::{FromValue, Queryable};
use mysql_async::{
    Conn, Opts, OptsBuilder, Pool, PoolConstraints, PoolOpts, Row, TxOpts, Value, from_value_opt,
};

use crate::contender::{CONNECTIONS, Start, group};
use crate::lane::{Contender, Lane};
use crate::sample::{self, AUTHORS, JOINED_AUTHORS, Note, Post, Reading, Titled, Unit, User};
use crate::workload::{Authors, Operations, Result};

const BY_KEY: &str = "select id, name, email, created_at from users where id = ?";
const UP_TO: &str = "select id, name, email, created_at from users where id <= ? order by id";
const TITLED: &str = "select p.id, p.title, u.name from posts p join users u on u.id = p.user_id \
    where u.id <= ? order by p.id";
const INSERT: &str = "insert into notes (user_id, body, created_at) values (?, ?, ?)";
const UPDATE: &str = "update counters set value = ? where id = ?";
/// Rows in one INSERT of many.
const CHUNK: usize = 1_000;
static MANY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "insert into notes (user_id, body, created_at) values {}",
        vec!["(?, ?, ?)"; CHUNK].join(", ")
    )
});

type UserRow = (i64, String, Option<String>, NaiveDateTime);

pub fn lane(start: &Start<'_>) -> Result<Box<dyn Contender>> {
    let constraints =
        PoolConstraints::new(CONNECTIONS as usize, CONNECTIONS as usize).ok_or("no connections")?;
    let pool_options = PoolOpts::default()
        .with_constraints(constraints)
        .with_reset_connection(false);
    // All contenders connect through TCP; this one would look for the server's socket first.
    let options = OptsBuilder::from_opts(Opts::from_url(start.url)?)
        .prefer_socket(false)
        .stmt_cache_size(100)
        .pool_opts(pool_options);
    let connection = start.track.runtime.block_on(Conn::new(options.clone()))?;
    let pool = start.track.runtime.block_on(async { Pool::new(options) });
    let readings = format!(
        "select {} from readings order by id",
        sample::READING_COLUMNS
    );
    Ok(Lane::boxed(
        start,
        MysqlAsync {
            connection,
            pool,
            readings,
        },
    ))
}

struct MysqlAsync {
    connection: Conn,
    pool: Pool,
    readings: String,
}

impl Operations for MysqlAsync {
    type User = User;
    type Post = Post;
    type Reading = Reading;
    type Counter = sample::Counter;
    type Shared = Pool;

    async fn by_key(&mut self, id: i64) -> Result<User> {
        by_key(&mut self.connection, id).await
    }

    async fn up_to(&mut self, id: i64) -> Result<Vec<User>> {
        Ok(self.connection.exec_map(UP_TO, (id,), user).await?)
    }

    async fn readings(&mut self) -> Result<Vec<Reading>> {
        let reading = |row: Row| reading(&mut Columns(row.unwrap().into_iter()));
        let readings = self
            .connection
            .exec_map(self.readings.as_str(), (), reading)
            .await?;
        readings.into_iter().collect()
    }

    async fn titled(&mut self) -> Result<Vec<Titled>> {
        Ok(self.connection.exec(TITLED, (JOINED_AUTHORS,)).await?)
    }

    async fn authors(&mut self) -> Result<Authors<User, Post>> {
        let users = self.up_to(AUTHORS).await?;
        let marks = vec!["?"; users.len()].join(", ");
        let text = format!(
            "select id, user_id, title from posts where user_id in ({marks}) order by user_id, id"
        );
        let keys: Vec<Value> = users.iter().map(|user| user.id.into()).collect();
        let post = |(id, user_id, title)| Post { id, user_id, title };
        let posts = self.connection.exec_map(text, keys, post).await?;
        Ok(group(users, posts, |post, user| post.user_id == user.id))
    }

    async fn insert(&mut self, note: Note) -> Result<i64> {
        insert(&mut self.connection, note).await?;
        Ok(i64::try_from(
            self.connection
                .last_insert_id()
                .ok_or("no key was generated")?,
        )?)
    }

    async fn update(&mut self, counter: sample::Counter, value: i64) -> Result<()> {
        Ok(self
            .connection
            .exec_drop(UPDATE, (value, counter.id))
            .await?)
    }

    async fn transaction(&mut self, unit: Unit) -> Result<User> {
        let mut transaction = self.connection.start_transaction(TxOpts::default()).await?;
        let user = by_key(&mut transaction, unit.user).await?;
        for note in unit.notes {
            insert(&mut transaction, note).await?;
        }
        for counter in &unit.counters {
            transaction
                .exec_drop(UPDATE, (unit.value, counter.id))
                .await?;
        }
        transaction.commit().await?;
        Ok(user)
    }

    async fn bulk(&mut self, notes: Vec<Note>) -> Result<()> {
        let mut transaction = self.connection.start_transaction(TxOpts::default()).await?;
        let mut notes = notes.into_iter();
        while notes.len() >= CHUNK {
            let values = |note: Note| {
                [
                    note.user_id.into(),
                    note.body.into(),
                    note.created_at.into(),
                ]
            };
            let values: Vec<Value> = notes.by_ref().take(CHUNK).flat_map(values).collect();
            transaction.exec_drop(MANY.as_str(), values).await?;
        }
        for note in notes {
            insert(&mut transaction, note).await?;
        }
        Ok(transaction.commit().await?)
    }

    fn shared(&self) -> Pool {
        self.pool.clone()
    }

    async fn by_key_shared(pool: &Pool, id: i64) -> Result<User> {
        by_key(&mut pool.get_conn().await?, id).await
    }

    async fn acquire(&mut self) -> Result<()> {
        drop(self.pool.get_conn().await?);
        Ok(())
    }
}

async fn by_key(connection: &mut impl Queryable, id: i64) -> Result<User> {
    let row: Option<UserRow> = connection.exec_first(BY_KEY, (id,)).await?;
    Ok(user(row.ok_or("no such user")?))
}

async fn insert(connection: &mut impl Queryable, note: Note) -> Result<()> {
    Ok(connection
        .exec_drop(INSERT, (note.user_id, note.body, note.created_at))
        .await?)
}

fn user((id, name, email, created_at): UserRow) -> User {
    User {
        id,
        name,
        email,
        created_at,
    }
}

/// The values of a row, each taken once.
struct Columns(std::vec::IntoIter<Value>);

impl Columns {
    fn next<T: FromValue>(&mut self) -> Result<T> {
        let value = self.0.next().ok_or("a row has too few columns")?;
        Ok(from_value_opt(value)?)
    }
}

fn reading(columns: &mut Columns) -> Result<Reading> {
    Ok(Reading {
        id: columns.next()?,
        device: columns.next()?,
        place: columns.next()?,
        unit: columns.next()?,
        remark: columns.next()?,
        tag: columns.next()?,
        sequence: columns.next()?,
        batch: columns.next()?,
        owner: columns.next()?,
        parent: columns.next()?,
        successor: columns.next()?,
        channel: columns.next()?,
        level: columns.next()?,
        attempts: columns.next()?,
        priority: columns.next()?,
        valid: columns.next()?,
        archived: columns.next()?,
        low: columns.next()?,
        high: columns.next()?,
        mean: columns.next()?,
        deviation: columns.next()?,
        firmware: columns.next()?,
        checked: columns.next()?,
        taken_at: columns.next()?,
        stored_at: columns.next()?,
    })
}
