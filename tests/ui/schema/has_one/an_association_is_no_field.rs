//! An association and a field have different names.

use estoult::Schema;

#[derive(Schema)]
struct Title {
    id: i64,
    book_id: i64,
}

#[derive(Schema)]
#[schema(has_one(title: Title))]
struct Book {
    id: i64,
    title: String,
}

fn main() {}
