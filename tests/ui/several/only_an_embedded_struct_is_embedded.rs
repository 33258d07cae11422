//! What is embedded derives `Embedded`.

use estoult::Schema;

struct Address {
    street: String,
}

#[derive(Schema)]
struct Book {
    id: i64,
    #[field(embed)]
    address: Address,
}

fn main() {}
