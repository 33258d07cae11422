//! What is only read has no verbs that write.

use estoult::{Database, Schema, new};

#[derive(Schema)]
struct Book {
    id: i64,
    title: String,
}

fn main() {
    let replica = Database::builder("sqlite::memory:")
        .read_only()
        .build()
        .unwrap();
    let book = new!(Book {
        title: String::new()
    });
    let _ = book.insert(&replica);
}
