//! The contenders. Each file does the same things in the same order, the way its library's own
//! guide would for speed: statements prepared once, lists as one parameter, rows of typed structs.

mod diesel;
mod estoult;
mod mysql_async;
mod rusqlite;
mod sea_orm;
mod sqlx;
mod toasty;
mod tokio_postgres;

use crate::backend::Backend;
use crate::lane::{Contender, Track};
use crate::workload::Result;

/// How many connections a pool holds.
const CONNECTIONS: u32 = 10;

/// What a contender starts with.
#[derive(Debug)]
pub struct Start<'s> {
    pub name: &'static str,
    pub track: &'s Track,
    pub url: &'s str,
}

type Make = fn(&Start<'_>) -> Result<Box<dyn Contender>>;

const SQLITE: &[(&str, Make)] = &[
    ("rusqlite", rusqlite::lane),
    ("estoult", estoult::lane),
    ("estoult-sync", estoult::blocking::lane),
    ("diesel", diesel::sqlite::lane),
    ("sqlx", sqlx::sqlite::held),
    ("sqlx-pool", sqlx::sqlite::pooled),
    ("sea-orm", sea_orm::lane),
];

const POSTGRES: &[(&str, Make)] = &[
    ("estoult", estoult::lane),
    ("estoult-sync", estoult::blocking::lane),
    ("tokio-postgres", tokio_postgres::lane),
    ("diesel", diesel::postgres::lane),
    ("diesel-async", diesel::postgres_async::lane),
    ("sqlx", sqlx::postgres::held),
    ("sqlx-pool", sqlx::postgres::pooled),
    ("sea-orm", sea_orm::lane),
    ("toasty", toasty::lane),
];

const MYSQL: &[(&str, Make)] = &[
    ("estoult", estoult::lane),
    ("estoult-sync", estoult::blocking::lane),
    ("mysql_async", mysql_async::lane),
    ("sqlx", sqlx::mysql::held),
    ("sqlx-pool", sqlx::mysql::pooled),
    ("sea-orm", sea_orm::lane),
];

/// The contenders of a backend whose names are wanted.
pub fn all(
    backend: Backend,
    track: &Track,
    url: &str,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Box<dyn Contender>>> {
    let known = match backend {
        Backend::Sqlite => SQLITE,
        Backend::Postgres => POSTGRES,
        Backend::Mysql => MYSQL,
    };
    let start = |(name, make): &(&'static str, Make)| {
        make(&Start { name, track, url }).map_err(|error| format!("{name}: {error}").into())
    };
    known
        .iter()
        .filter(|(name, _)| is_wanted(name))
        .map(start)
        .collect()
}

/// Puts posts that are ordered by author, as the authors are, under their authors.
fn group<U, P>(users: Vec<U>, posts: Vec<P>, is_of: impl Fn(&P, &U) -> bool) -> Vec<(U, Vec<P>)> {
    let mut posts = posts.into_iter().peekable();
    let own = |user: U| {
        let mut own = Vec::new();
        while let Some(post) = posts.next_if(|post| is_of(post, &user)) {
            own.push(post);
        }
        (user, own)
    };
    users.into_iter().map(own).collect()
}
