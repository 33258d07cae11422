//! The default of a number is a number.

use estoult::Schema;

#[derive(Schema)]
struct Book {
    id: i64,
    #[field(default = "none")]
    pages: i64,
}

fn main() {}
