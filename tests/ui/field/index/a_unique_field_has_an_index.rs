//! A unique field has an index already.

use estoult::Schema;

#[derive(Schema)]
struct Book {
    id: i64,
    #[field(unique, index)]
    title: String,
}

fn main() {}
