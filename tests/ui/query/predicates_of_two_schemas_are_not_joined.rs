//! Conditions on two schemas are no condition on one.

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
    let _ = Book::title.eq("Galápagos").and(Author::name.eq("Vonnegut"));
}
