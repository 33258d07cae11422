//! A tenant comes from the handle and from nowhere else.

use estoult::Schema;

#[derive(Schema)]
struct Note {
    id: i64,
    #[field(tenant, generated)]
    customer_id: i64,
}

fn main() {}
