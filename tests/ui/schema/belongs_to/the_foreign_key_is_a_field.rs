//! What belongs to an author has a field that says to which.

use estoult::Schema;

#[derive(Schema)]
struct Author {
    id: i64,
}

#[derive(Schema)]
#[schema(belongs_to(author: Author))]
struct Book {
    id: i64,
    writer_id: i64,
}

fn main() {}
