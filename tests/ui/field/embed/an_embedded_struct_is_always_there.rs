//! An embedded struct is not optional, its fields may be.

use estoult::{Embedded, Schema};

#[derive(Embedded)]
struct Address {
    street: String,
}

#[derive(Schema)]
struct Book {
    id: i64,
    #[field(embed)]
    address: Option<Address>,
}

fn main() {}
