//! A schema has no parameters.

use estoult::Schema;

#[derive(Schema)]
struct Book<T> {
    id: i64,
    content: T,
}

fn main() {}
