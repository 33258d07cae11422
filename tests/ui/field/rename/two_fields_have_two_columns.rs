//! Each field has a column of its own.

use estoult::Schema;

#[derive(Schema)]
struct Book {
    id: i64,
    #[field(rename = "id")]
    title: String,
}

fn main() {}
