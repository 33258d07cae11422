//! An unknown attribute is an error that lists the known ones.

use estoult::Schema;

#[derive(Schema)]
#[schema(tabel = "books")]
struct Book {
    id: i64,
}

fn main() {}
