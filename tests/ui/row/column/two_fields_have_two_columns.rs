//! Each field is read from a column of its own.

use estoult::FromRow;

#[derive(FromRow)]
struct Line {
    title: String,
    #[row(column = "title")]
    name: String,
}

fn main() {}
