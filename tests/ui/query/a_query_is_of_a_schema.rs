//! Only schemas are queried.

use estoult::query;

struct Book {
    id: i64,
}

fn main() {
    let _ = query::<Book>();
}
