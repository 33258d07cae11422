//! Only the columns of an embedded struct have a prefix.

use estoult::Schema;

#[derive(Schema)]
struct Book {
    id: i64,
    #[field(prefix = "book_")]
    title: String,
}

fn main() {}
