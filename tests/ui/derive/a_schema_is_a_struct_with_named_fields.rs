//! A schema is a struct with named fields.

use estoult::Schema;

#[derive(Schema)]
struct Book(i64, String);

fn main() {}
