//! SQLx on MySQL and MariaDB: lists as a fixed number of marks, many rows as VALUES in one size.

use std::sync::LazyLock;

use ::sqlx::mysql::MySqlPoolOptions;
use ::sqlx::{AssertSqlSafe, MySql, Pool, query, query_as};

use crate::contender::{CONNECTIONS, Start, group};
use crate::lane;
use crate::sample::{self, AUTHORS, JOINED_AUTHORS, Note, READING_COLUMNS, Titled, Unit};
use crate::workload::{Authors, Failure, Operations, Result};

use super::{Post, Reading, User};

const BEGIN: &str = "begin";
const INSERT: &str = "insert into notes (user_id, body, created_at) values (?, ?, ?)";
/// Rows in one INSERT of many.
const CHUNK: usize = 1_000;
static MANY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "insert into notes (user_id, body, created_at) values {}",
        vec!["(?, ?, ?)"; CHUNK].join(", ")
    )
});

super::operations!(MySql, "?", "?");

async fn pool(url: &str) -> Result<Pool<MySql>> {
    let pool = MySqlPoolOptions::new()
        .max_connections(CONNECTIONS)
        .test_before_acquire(false);
    Ok(pool.connect(url).await?)
}

async fn insert(connection: &mut Connection, note: Note) -> Result<i64> {
    let insert = query(INSERT)
        .bind(note.user_id)
        .bind(note.body)
        .bind(note.created_at);
    Ok(i64::try_from(
        insert.execute(connection).await?.last_insert_id(),
    )?)
}

async fn posts(connection: &mut Connection, keys: Vec<i64>) -> Result<Vec<Post>> {
    let marks = vec!["?"; keys.len()].join(", ");
    let text = format!(
        "select id, user_id, title from posts where user_id in ({marks}) order by user_id, id"
    );
    let mut posts = query_as(AssertSqlSafe(text));
    for key in keys {
        posts = posts.bind(key);
    }
    Ok(posts.fetch_all(connection).await?)
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
