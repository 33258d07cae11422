//! `unique` is a word by itself.

use estoult::Schema;

#[derive(Schema)]
struct Book {
    id: i64,
    #[field(unique = true)]
    title: String,
}

fn main() {}
