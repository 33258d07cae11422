//! A field is of a type that a column can hold.

use std::time::Instant;

use estoult::Schema;

#[derive(Schema)]
struct Book {
    id: i64,
    opened: Instant,
}

fn main() {}
