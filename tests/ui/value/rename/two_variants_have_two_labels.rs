//! Each variant has a label of its own.

use estoult::Value;

#[derive(Value)]
enum State {
    Draft,
    #[value(rename = "draft")]
    Published,
}

fn main() {}
