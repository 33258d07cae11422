//! A new row has every column that no one else fills.

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
    let _ = new!(Book {
        title: "Galápagos".to_owned(),
        subtitle: None,
        price: 10.0
    });
}
