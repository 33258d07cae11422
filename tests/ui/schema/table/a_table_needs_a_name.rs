//! A table has a name.

use estoult::Schema;

#[derive(Schema)]
#[schema(table = "")]
struct Book {
    id: i64,
    title: String,
}

fn main() {}
