//! An association says to which schema it leads.

use estoult::Schema;

#[derive(Schema)]
#[schema(has_many(chapters))]
struct Book {
    id: i64,
    title: String,
}

fn main() {}
