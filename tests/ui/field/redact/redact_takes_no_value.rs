//! `redact` is a word by itself.

use estoult::Schema;

#[derive(Schema)]
struct Book {
    id: i64,
    #[field(redact(partly))]
    title: String,
}

fn main() {}
