//! All mistakes are reported in one run, each on its own tokens.

use estoult::Schema;

#[derive(Schema)]
#[schema(table = "", index(titel))]
struct Book {
    isbn: String,
    #[field(skip, unique)]
    title: String,
    #[field(serial)]
    number: i64,
}

fn main() {}
