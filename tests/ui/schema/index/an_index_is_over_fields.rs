//! An index is over fields of the struct.

use estoult::Schema;

#[derive(Schema)]
#[schema(index(titel))]
struct Book {
    id: i64,
    title: String,
}

fn main() {}
