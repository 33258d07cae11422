//! A foreign key has the type of the key that it holds.

use estoult::Schema;

#[derive(Schema)]
struct Author {
    id: i64,
}

#[derive(Schema)]
#[schema(belongs_to(author: Author))]
struct Book {
    id: i64,
    author_id: String,
}

fn main() {}
