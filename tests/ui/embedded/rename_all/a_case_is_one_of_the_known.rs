//! A case is known by its own spelling.

use estoult::Embedded;

#[derive(Embedded)]
#[embedded(rename_all = "lowercase")]
struct Address {
    street: String,
}

fn main() {}
