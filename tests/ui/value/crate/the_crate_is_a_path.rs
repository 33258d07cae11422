//! The place of estoult is a path.

use estoult::Value;

#[derive(Value)]
#[value(crate = "my estoult")]
struct BookId(i64);

fn main() {}
