//! The schema of the database is written as a text.

use estoult::Schema;

#[derive(Schema)]
#[schema(schema = library)]
struct Book {
    id: i64,
    title: String,
}

fn main() {}
