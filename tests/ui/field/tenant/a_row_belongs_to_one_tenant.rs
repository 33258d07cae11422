//! A row belongs to one tenant.

use estoult::Schema;

#[derive(Schema)]
struct Note {
    id: i64,
    #[field(tenant)]
    customer_id: i64,
    #[field(tenant)]
    country_id: i64,
}

fn main() {}
