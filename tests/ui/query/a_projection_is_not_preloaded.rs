//! What is preloaded is preloaded before the projection.

use estoult::Schema;

#[derive(Schema)]
#[schema(has_many(books: Book))]
struct Author {
    id: i64,
    name: String,
}

#[derive(Clone, Schema)]
struct Book {
    id: i64,
    author_id: i64,
    title: String,
    subtitle: Option<String>,
    price: f64,
}

fn main() {
    let _ = Author::query().select(Author::name).preload(Author::books);
}
