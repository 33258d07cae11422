//! SQLx on PostgreSQL: lists as one array parameter, many rows as UNNEST.

use ::sqlx::postgres::PgPoolOptions;
use ::sqlx::{AssertSqlSafe, Pool, Postgres, query, query_as, query_scalar};

use crate::contender::{CONNECTIONS, Start, group};
use crate::lane;
use crate::sample::{self, AUTHORS, JOINED_AUTHORS, Note, READING_COLUMNS, Titled, Unit};
use crate::workload::{Authors, Failure, Operations, Result};

use super::{Post, Reading, User};

const BEGIN: &str = "begin";
const INSERT: &str =
    "insert into notes (user_id, body, created_at) values ($1, $2, $3) returning id";
const POSTS: &str =
    "select id, user_id, title from posts where user_id = any($1) order by user_id, id";
const MANY: &str = "insert into notes (user_id, body, created_at) \
    select * from unnest($1::bigint[], $2::text[], $3::timestamp[])";

super::operations!(Postgres, "$1", "$2");

async fn pool(url: &str) -> Result<Pool<Postgres>> {
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .test_before_acquire(false);
    Ok(pool.connect(url).await?)
}

async fn insert(connection: &mut Connection, note: Note) -> Result<i64> {
    let insert = query_scalar(INSERT)
        .bind(note.user_id)
        .bind(note.body)
        .bind(note.created_at);
    Ok(insert.fetch_one(connection).await?)
}

async fn posts(connection: &mut Connection, keys: Vec<i64>) -> Result<Vec<Post>> {
    Ok(query_as(POSTS).bind(keys).fetch_all(connection).await?)
}

async fn bulk(connection: &mut Connection, notes: Vec<Note>) -> Result<()> {
    let mut users = Vec::with_capacity(notes.len());
    let mut bodies = Vec::with_capacity(notes.len());
    let mut times = Vec::with_capacity(notes.len());
    for note in notes {
        users.push(note.user_id);
        bodies.push(note.body);
        times.push(note.created_at);
    }
    query(MANY)
        .bind(users)
        .bind(bodies)
        .bind(times)
        .execute(connection)
        .await?;
    Ok(())
}
