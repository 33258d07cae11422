//! A value is kept in one form.

use estoult::Value;

#[derive(Value)]
#[value(text, integer)]
enum State {
    Draft,
    Published,
}

fn main() {}
