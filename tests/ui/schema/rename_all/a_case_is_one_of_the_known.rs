//! A case is known by its own spelling.

use estoult::Schema;

#[derive(Schema)]
#[schema(rename_all = "camelcase")]
struct Book {
    id: i64,
    title: String,
}

fn main() {}
