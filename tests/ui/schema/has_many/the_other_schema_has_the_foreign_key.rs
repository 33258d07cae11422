//! The key of an author is held by a field of the book.

use estoult::Schema;

#[derive(Schema)]
#[schema(has_many(books: Book))]
struct Author {
    id: i64,
}

#[derive(Schema)]
struct Book {
    id: i64,
    written_by: i64,
}

fn main() {}
