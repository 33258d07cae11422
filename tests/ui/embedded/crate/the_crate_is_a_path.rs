//! The place of estoult is a path.

use estoult::Embedded;

#[derive(Embedded)]
#[embedded(crate = "")]
struct Address {
    street: String,
}

fn main() {}
