//! A parameter of raw SQL is a value that a column can hold.

use std::time::Instant;

use estoult::sql;

fn main() {
    let _ = sql("select :now").bind("now", Instant::now());
}
