//! Rows are read into a struct that derives `FromRow`.

use estoult::{Database, Result, sql};

struct Total {
    books: i64,
}

async fn total(database: &Database) -> Result<Total> {
    sql("select count(*) as books from books")
        .one(database)
        .await
}

fn main() {}
