//! A row without a tenant would be nobody's.

use estoult::Schema;

#[derive(Schema)]
struct Note {
    id: i64,
    #[field(tenant)]
    customer_id: Option<i64>,
}

fn main() {}
