//! A variant with fields has no place in a column.

use estoult::Value;

#[derive(Value)]
enum State {
    Draft,
    Published { year: i32 },
}

fn main() {}
