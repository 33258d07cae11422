//! A query of books gives books.

use estoult::{Database, Result, Schema};

#[derive(Schema)]
struct Author {
    id: i64,
}

#[derive(Schema)]
struct Book {
    id: i64,
}

async fn authors(database: &Database) -> Result<Vec<Author>> {
    Book::query().all(database).await
}

fn main() {}
