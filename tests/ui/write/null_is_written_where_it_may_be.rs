//! A column that may not be null gets no null.

use estoult::{Schema, new};

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
    let _ = new!(Author { name: None });
}
