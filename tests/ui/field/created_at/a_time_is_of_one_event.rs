//! A time is that of the insert or that of the last change.

use estoult::Schema;

#[derive(Schema)]
struct Book {
    id: i64,
    #[field(created_at, updated_at)]
    at: chrono::DateTime<chrono::Utc>,
}

fn main() {}
