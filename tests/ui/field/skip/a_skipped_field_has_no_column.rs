//! A skipped field has no column, and so nothing that a column has.

use estoult::Schema;

#[derive(Schema)]
struct Book {
    id: i64,
    #[field(skip, unique)]
    title: String,
}

fn main() {}
