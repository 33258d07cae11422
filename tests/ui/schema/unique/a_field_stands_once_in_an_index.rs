//! A field stands once in an index.

use estoult::Schema;

#[derive(Schema)]
#[schema(unique(title, title))]
struct Book {
    id: i64,
    title: String,
}

fn main() {}
