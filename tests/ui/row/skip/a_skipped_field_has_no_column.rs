//! A skipped field is read from no column.

use estoult::FromRow;

#[derive(FromRow)]
struct Line {
    title: String,
    #[row(skip, column = "n")]
    count: i64,
}

fn main() {}
