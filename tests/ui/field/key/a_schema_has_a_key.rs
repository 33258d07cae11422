//! Without a field `id` a schema says which field is its key.

use estoult::Schema;

#[derive(Schema)]
struct Book {
    isbn: String,
}

fn main() {}
