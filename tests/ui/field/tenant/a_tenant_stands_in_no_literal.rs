//! The handle says the tenant of a new row, and the literal does not.

use estoult::{Schema, new};

#[derive(Schema)]
struct Note {
    id: i64,
    #[field(tenant)]
    customer_id: i64,
    text: String,
}

fn main() {
    let _ = new!(Note {
        customer_id: 7,
        text: String::new()
    });
}
