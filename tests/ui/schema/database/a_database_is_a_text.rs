//! The database of the registry is written as a text.

use estoult::Schema;

#[derive(Schema)]
#[schema(database = audit)]
struct Entry {
    id: i64,
    text: String,
}

fn main() {}
