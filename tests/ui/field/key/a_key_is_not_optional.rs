//! A key is never null.

use estoult::Schema;

#[derive(Schema)]
struct Book {
    #[field(key)]
    isbn: Option<String>,
}

fn main() {}
