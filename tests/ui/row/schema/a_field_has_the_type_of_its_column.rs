//! A field that is read from a column has its type.

use estoult::{FromRow, Schema};

#[derive(Schema)]
struct Book {
    id: i64,
    title: String,
}

#[derive(FromRow)]
#[row(schema = Book)]
struct Line {
    title: i64,
}

fn main() {}
