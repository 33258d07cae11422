//! A struct reads columns that its schema has.

use estoult::{FromRow, Schema};

#[derive(Schema)]
struct Book {
    id: i64,
    title: String,
}

#[derive(FromRow)]
#[row(schema = Book)]
struct Line {
    titel: String,
}

fn main() {}
