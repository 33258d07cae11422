//! A JSON document is written and read by serde.

use estoult::Value;
use serde::Deserialize;

#[derive(Deserialize, Value)]
#[value(json)]
struct Settings {
    colour: String,
}

fn main() {}
