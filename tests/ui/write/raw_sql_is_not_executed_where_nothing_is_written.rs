//! Raw SQL that writes runs where writes run.

use estoult::{Reads, sql};

fn clear(on: &impl Reads) {
    let _ = sql("delete from books").execute(on);
}

fn main() {}
