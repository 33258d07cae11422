//! A newtype is kept as its field and has no labels.

use estoult::Value;

#[derive(Value)]
#[value(rename_all = "camelCase")]
struct BookId(i64);

fn main() {}
