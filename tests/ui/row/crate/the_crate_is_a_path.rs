//! The place of estoult is a path.

use estoult::FromRow;

#[derive(FromRow)]
#[row(crate = "1")]
struct Line {
    title: String,
}

fn main() {}
