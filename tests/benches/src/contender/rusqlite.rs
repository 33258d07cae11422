//! SQLite through rusqlite: one connection, statements from its cache; threads share an r2d2 pool.

use r2d2::{ManageConnection, Pool};
use rusqlite::{Connection, Row, TransactionBehavior, params};

use crate::contender::{CONNECTIONS, Start, group};
use crate::lane::{Contender, Lane};
use crate::sample::{self, AUTHORS, JOINED_AUTHORS, Note, Post, Reading, Titled, Unit, User};
use crate::workload::{Authors, Operations, Result};

const BY_KEY: &str = "select id, name, email, created_at from users where id = ?";
const UP_TO: &str = "select id, name, email, created_at from users where id <= ? order by id";
const TITLED: &str = "select p.id, p.title, u.name from posts p join users u on u.id = p.user_id \
    where u.id <= ? order by p.id";
const POSTS: &str = "select id, user_id, title from posts \
    where user_id in (select value from json_each(?)) order by user_id, id";
const INSERT: &str = "insert into notes (user_id, body, created_at) values (?, ?, ?)";
const UPDATE: &str = "update counters set value = ? where id = ?";
/// Rows in one INSERT of many: one text, and far below SQLite's limit of parameters.
const CHUNK: usize = 500;

pub fn lane(start: &Start<'_>) -> Result<Box<dyn Contender>> {
    let manager = Opener {
        path: start.url.trim_start_matches("sqlite://").to_owned(),
    };
    let connection = manager.connect()?;
    let pool = Pool::builder()
        .max_size(CONNECTIONS)
        .test_on_check_out(false)
        .build(manager)?;
    let many = format!(
        "insert into notes (user_id, body, created_at) values {}",
        vec!["(?, ?, ?)"; CHUNK].join(", ")
    );
    let readings = format!(
        "select {} from readings order by id",
        sample::READING_COLUMNS
    );
    Ok(Lane::boxed(
        start,
        Rusqlite {
            connection,
            pool,
            many,
            readings,
        },
    ))
}

struct Rusqlite {
    connection: Connection,
    pool: Pool<Opener>,
    many: String,
    readings: String,
}

impl Operations for Rusqlite {
    type User = User;
    type Post = Post;
    type Reading = Reading;
    type Counter = sample::Counter;
    type Shared = Pool<Opener>;

    const BLOCKING: bool = true;

    async fn by_key(&mut self, id: i64) -> Result<User> {
        by_key(&self.connection, id)
    }

    async fn up_to(&mut self, id: i64) -> Result<Vec<User>> {
        up_to(&self.connection, id)
    }

    async fn readings(&mut self) -> Result<Vec<Reading>> {
        let mut statement = self.connection.prepare_cached(&self.readings)?;
        let rows = statement.query_map([], reading)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    async fn titled(&mut self) -> Result<Vec<Titled>> {
        let mut statement = self.connection.prepare_cached(TITLED)?;
        let rows = statement.query_map([JOINED_AUTHORS], |row| row.try_into())?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    async fn authors(&mut self) -> Result<Authors<User, Post>> {
        let users = up_to(&self.connection, AUTHORS)?;
        let keys: Vec<String> = users.iter().map(|user| user.id.to_string()).collect();
        let mut statement = self.connection.prepare_cached(POSTS)?;
        let rows = statement.query_map([format!("[{}]", keys.join(","))], post)?;
        Ok(group(
            users,
            rows.collect::<Result<_, _>>()?,
            |post, user| post.user_id == user.id,
        ))
    }

    async fn insert(&mut self, note: Note) -> Result<i64> {
        insert(&self.connection, &note)?;
        Ok(self.connection.last_insert_rowid())
    }

    async fn update(&mut self, counter: sample::Counter, value: i64) -> Result<()> {
        update(&self.connection, counter.id, value)
    }

    async fn transaction(&mut self, unit: Unit) -> Result<User> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let user = by_key(&transaction, unit.user)?;
        for note in &unit.notes {
            insert(&transaction, note)?;
        }
        for counter in &unit.counters {
            update(&transaction, counter.id, unit.value)?;
        }
        transaction.commit()?;
        Ok(user)
    }

    async fn bulk(&mut self, notes: Vec<Note>) -> Result<()> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut statement = transaction.prepare_cached(&self.many)?;
        let mut chunks = notes.chunks_exact(CHUNK);
        for chunk in chunks.by_ref() {
            for (index, note) in chunk.iter().enumerate() {
                statement.raw_bind_parameter(index * 3 + 1, note.user_id)?;
                statement.raw_bind_parameter(index * 3 + 2, &note.body)?;
                statement.raw_bind_parameter(index * 3 + 3, note.created_at)?;
            }
            statement.raw_execute()?;
        }
        drop(statement);
        for note in chunks.remainder() {
            insert(&transaction, note)?;
        }
        Ok(transaction.commit()?)
    }

    fn shared(&self) -> Pool<Opener> {
        self.pool.clone()
    }

    async fn by_key_shared(pool: &Pool<Opener>, id: i64) -> Result<User> {
        by_key(&*pool.get()?, id)
    }

    async fn acquire(&mut self) -> Result<()> {
        drop(self.pool.get()?);
        Ok(())
    }
}

/// What the pool asks for; r2d2's own crate for rusqlite wants another version of it.
#[derive(Debug)]
pub struct Opener {
    path: String,
}

impl ManageConnection for Opener {
    type Connection = Connection;
    type Error = rusqlite::Error;

    fn connect(&self) -> Result<Connection, rusqlite::Error> {
        let connection = Connection::open(&self.path)?;
        connection.execute_batch(
            "pragma journal_mode = wal; pragma synchronous = normal; pragma busy_timeout = 5000; \
             pragma foreign_keys = on",
        )?;
        Ok(connection)
    }

    fn is_valid(&self, connection: &mut Connection) -> Result<(), rusqlite::Error> {
        connection.execute_batch("select 1")
    }

    fn has_broken(&self, _connection: &mut Connection) -> bool {
        false
    }
}

fn by_key(connection: &Connection, id: i64) -> Result<User> {
    Ok(connection.prepare_cached(BY_KEY)?.query_row([id], user)?)
}

fn up_to(connection: &Connection, id: i64) -> Result<Vec<User>> {
    let mut statement = connection.prepare_cached(UP_TO)?;
    let rows = statement.query_map([id], user)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn insert(connection: &Connection, note: &Note) -> Result<()> {
    connection.prepare_cached(INSERT)?.execute(params![
        note.user_id,
        note.body,
        note.created_at
    ])?;
    Ok(())
}

fn update(connection: &Connection, id: i64, value: i64) -> Result<()> {
    connection.prepare_cached(UPDATE)?.execute([value, id])?;
    Ok(())
}

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: row.get(0)?,
        name: row.get(1)?,
        email: row.get(2)?,
        created_at: row.get(3)?,
    })
}

fn post(row: &Row<'_>) -> rusqlite::Result<Post> {
    Ok(Post {
        id: row.get(0)?,
        user_id: row.get(1)?,
        title: row.get(2)?,
    })
}

fn reading(row: &Row<'_>) -> rusqlite::Result<Reading> {
    Ok(Reading {
        id: row.get(0)?,
        device: row.get(1)?,
        place: row.get(2)?,
        unit: row.get(3)?,
        remark: row.get(4)?,
        tag: row.get(5)?,
        sequence: row.get(6)?,
        batch: row.get(7)?,
        owner: row.get(8)?,
        parent: row.get(9)?,
        successor: row.get(10)?,
        channel: row.get(11)?,
        level: row.get(12)?,
        attempts: row.get(13)?,
        priority: row.get(14)?,
        valid: row.get(15)?,
        archived: row.get(16)?,
        low: row.get(17)?,
        high: row.get(18)?,
        mean: row.get(19)?,
        deviation: row.get(20)?,
        firmware: row.get(21)?,
        checked: row.get(22)?,
        taken_at: row.get(23)?,
        stored_at: row.get(24)?,
    })
}
