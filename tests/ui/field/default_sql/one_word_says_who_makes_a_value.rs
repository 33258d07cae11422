//! A value is made by the database or by the library, not by both.

use estoult::Schema;

#[derive(Schema)]
struct Book {
    id: i64,
    #[field(default_sql = "now()", default)]
    title: String,
}

fn main() {}
