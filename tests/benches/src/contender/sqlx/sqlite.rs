//! SQLx on SQLite: lists as one JSON parameter, many rows as VALUES in one size.

use std::str::FromStr;
use std::sync::LazyLock;

use ::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use ::sqlx::{AssertSqlSafe, Pool, Sqlite, query, query_as};

use crate::contender::{CONNECTIONS, Start, group};
use crate::lane;
use crate::sample::{self, AUTHORS, JOINED_AUTHORS, Note, READING_COLUMNS, Titled, Unit};
use crate::workload::{Authors, Failure, Operations, Result};

use super::{Post, Reading, User};

const BEGIN: &str = "begin immediate";
const INSERT: &str = "insert into notes (user_id, body, created_at) values (?, ?, ?)";
const POSTS: &str = "select id, user_id, title from posts \
    where user_id in (select value from json_each(?)) order by user_id, id";
/// Rows in one INSERT of many.
const CHUNK: usize = 1_000;
static MANY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "insert into notes (user_id, body, created_at) values {}",
        vec!["(?, ?, ?)"; CHUNK].join(", ")
    )
});

super::operations!(Sqlite, "?", "?");

async fn pool(url: &str) -> Result<Pool<Sqlite>> {
    let options = SqliteConnectOptions::from_str(url)?
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .row_buffer_size(1_024);
    let pool = SqlitePoolOptions::new()
        .max_connections(CONNECTIONS)
        .test_before_acquire(false);
    Ok(pool.connect_with(options).await?)
}

async fn insert(connection: &mut Connection, note: Note) -> Result<i64> {
    let insert = query(INSERT)
        .bind(note.user_id)
        .bind(note.body)
        .bind(note.created_at);
    Ok(insert.execute(connection).await?.last_insert_rowid())
}

async fn posts(connection: &mut Connection, keys: Vec<i64>) -> Result<Vec<Post>> {
    let keys: Vec<String> = keys.iter().map(i64::to_string).collect();
    Ok(query_as(POSTS)
        .bind(format!("[{}]", keys.join(",")))
        .fetch_all(connection)
        .await?)
}

async fn bulk(connection: &mut Connection, notes: Vec<Note>) -> Result<()> {
    let mut transaction = ::sqlx::Connection::begin_with(connection, BEGIN).await?;
    let mut notes = notes.into_iter();
    while notes.len() >= CHUNK {
        let mut many = query(MANY.as_str());
        for note in notes.by_ref().take(CHUNK) {
            many = many
                .bind(note.user_id)
                .bind(note.body)
                .bind(note.created_at);
        }
        many.execute(&mut *transaction).await?;
    }
    for note in notes {
        insert(&mut transaction, note).await?;
    }
    Ok(transaction.commit().await?)
}
