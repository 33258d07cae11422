//! An enum type of PostgreSQL has a name.

use estoult::Value;

#[derive(Value)]
#[value(postgres_enum = "")]
enum Mood {
    Sad,
    Happy,
}

fn main() {}
