//! A database counts integers only.

use estoult::Schema;

#[derive(Schema)]
struct Book {
    id: i64,
    #[field(generated)]
    title: String,
}

fn main() {}
