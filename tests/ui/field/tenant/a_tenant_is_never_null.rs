//! A row without a tenant would belong to none.

use estoult::Schema;

#[derive(Schema)]
struct Note {
    id: i64,
    #[field(tenant)]
    customer_id: Option<i64>,
}

fn main() {}
