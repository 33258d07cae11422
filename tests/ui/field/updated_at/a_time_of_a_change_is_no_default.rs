//! A time that the library sets has no default.

use chrono::{DateTime, Utc};
use estoult::Schema;

#[derive(Schema)]
struct Book {
    id: i64,
    #[field(default = Utc::now(), updated_at)]
    at: DateTime<Utc>,
}

fn main() {}
