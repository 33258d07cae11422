//! The place of estoult is a path.

use estoult::Schema;

#[derive(Schema)]
#[schema(crate = "no path")]
struct Book {
    id: i64,
    title: String,
}

fn main() {}
