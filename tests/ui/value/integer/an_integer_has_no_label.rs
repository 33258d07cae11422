//! An enum that is kept as a number has no labels.

use estoult::Value;

#[derive(Value)]
#[value(integer)]
enum Level {
    #[value(rename = "lowest")]
    Low = 1,
    High = 2,
}

fn main() {}
